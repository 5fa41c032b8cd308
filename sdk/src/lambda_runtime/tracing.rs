//! The crate `tracing`, under the name that `lambda_runtime` gives it.

pub use ::tracing::*;
pub use tracing_subscriber as subscriber;

/// Makes the macros write to the function's log: [`install_subscriber`](crate::install_subscriber).
/// Only an `init` that logs needs to call it.
pub fn init_default_subscriber() {
    crate::install_subscriber();
}
