//! Handlers for the Pilotlight runtime: ordinary functions in an ordinary `cdylib`.
//!
//! ```
//! use serde::Deserialize;
//! use serde::Serialize;
//!
//! #[derive(Deserialize)]
//! struct Request {
//!     name: String,
//! }
//!
//! #[derive(Serialize)]
//! struct Response {
//!     message: String,
//! }
//!
//! fn greet(request: Request) -> Result<Response, String> {
//!     Ok(Response { message: format!("Hello, {}!", request.name) })
//! }
//!
//! pilotlight::handler!(greet);
//! ```
//!
//! A handler takes its event and, if it wants, a [`&Context`](Context), and returns a `Result`:
//!
//! - the event is any [`serde::Deserialize`] (it may borrow from the event's bytes), or
//!   [`Raw<&[u8]>`](Raw), the bytes themselves;
//! - the response is any [`serde::Serialize`], or [`Raw`] of anything that holds bytes;
//! - the error is anything that displays. Its type's name and its text reach the caller as
//!   `errorType` and `errorMessage`. A panic does, too, with its place; the runtime goes on.
//!
//! With the feature `tokio`, handlers may be `async fn`.

#[allow(unsafe_code)]
mod answer;
mod context;
mod failure;
mod handle;
#[allow(unsafe_code)]
mod library;
mod raw;
#[cfg(feature = "tokio")]
mod runtime;

pub use self::context::Context;
pub use self::handle::FromEvent;
pub use self::handle::Handle;
pub use self::handle::IntoResponse;
pub use self::handle::Setup;
pub use self::raw::Raw;

/// What [`handler!`] expands to refers to these; they are no part of the API.
#[doc(hidden)]
pub mod __private {
    pub use crate::library::call;
    pub use crate::library::initialise;
    pub use crate::library::prepare;
    pub use pilotlight_abi as abi;
}

/// Exports handlers: `handler!(greet)`, `handler!(greet, part)`, `handler!(greet, init = setup)`.
///
/// To be used once in a library. A handler's name is its function's: the Lambda function's handler
/// is set to `<file>.<name>`, or to `<file>` alone if there is only one. `init` runs once, before
/// the first invocation: a `fn()` or `fn() -> Result<(), E>` (with the feature `tokio` also
/// `async`); if it fails, the error is reported and the execution environment ends.
#[macro_export]
macro_rules! handler {
    ($($input:tt)+) => {
        $crate::__handler! { [] $($input)+ }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __handler {
    ([$($handler:ident)+] init = $init:path $(,)?) => {
        $crate::__handler! { @export [$($handler)+] $init }
    };
    ([$($known:ident)*] $handler:ident , $($rest:tt)+) => {
        $crate::__handler! { [$($known)* $handler] $($rest)+ }
    };
    ([$($known:ident)*] $handler:ident $(,)?) => {
        $crate::__handler! { @export [$($known)* $handler] || () }
    };
    (@export [$($handler:ident)+] $init:expr) => {
        #[allow(unsafe_code)]
        const _: () = {
            use $crate::__private::abi;

            static HANDLERS: abi::Exported<&[abi::Handler]> = abi::Exported(&[$(
                abi::Handler {
                    name: concat!(stringify!($handler), "\0").as_ptr().cast(),
                    call: {
                        unsafe extern "C" fn call(
                            invocation: *const abi::Invocation,
                            outcome: *mut abi::Outcome,
                        ) -> i32 {
                            // SAFETY: the caller is the runtime, which keeps the ABI's promises.
                            unsafe { $crate::__private::call(invocation, outcome, $handler) }
                        }
                        Some(call)
                    },
                }
            ),+]);

            unsafe extern "C" fn init(outcome: *mut abi::Outcome) -> i32 {
                $($crate::__private::prepare($handler);)+
                // SAFETY: the caller is the runtime, which keeps the ABI's promises.
                unsafe { $crate::__private::initialise(outcome, $init) }
            }

            #[unsafe(export_name = "pilotlight_library")]
            static LIBRARY: abi::Exported<abi::Library> = abi::Exported(abi::Library {
                abi_version: abi::ABI_VERSION,
                handler_count: [$(stringify!($handler)),+].len() as u32,
                handlers: HANDLERS.0.as_ptr(),
                init: Some(init),
            });
        };
    };
    ($($unexpected:tt)*) => {
        compile_error!("expected handler!(f), handler!(f, g), or handler!(f, init = setup)");
    };
}
