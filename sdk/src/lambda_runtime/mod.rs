//! The types of the crate `lambda_runtime`, so that a function written for it becomes a handler.
//!
//! ```
//! use pilotlight::lambda_runtime::Error;
//! use pilotlight::lambda_runtime::LambdaEvent;
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Order {
//!     item: String,
//! }
//!
//! fn order(event: LambdaEvent<Order>) -> Result<String, Error> {
//!     let (order, context) = event.into_parts();
//!     Ok(format!("{}: {}", context.request_id, order.item))
//! }
//!
//! pilotlight::handler!(order);
//! ```
//!
//! With the feature `tokio`, `order` may be an `async fn`. Names and fields are those of
//! `lambda_runtime` 1, as far as the meaning is the same.

mod client;
mod context;
mod diagnostic;
mod event;
#[cfg(feature = "tracing")]
pub mod tracing;

pub use self::client::ClientApplication;
pub use self::client::ClientContext;
pub use self::client::CognitoIdentity;
pub use self::context::Config;
pub use self::context::Context;
pub use self::diagnostic::Diagnostic;
pub use self::event::LambdaEvent;

/// Any error, as `?` makes one.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
