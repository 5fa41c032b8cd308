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
//! A handler that also takes a [`ResponseStream`] writes its response piece by piece.
//!
//! Configuration that changes without a deployment is read through [`config`].
//!
//! With the feature `tokio`, handlers may be `async fn`; with the feature `log`, the macros of the crate
//! `log` write to the function's log in the format and from the level that the function is set to.

#[allow(unsafe_code)]
mod answer;
pub mod config;
mod context;
mod failure;
mod handle;
#[allow(unsafe_code)]
mod library;
#[cfg(feature = "log")]
mod logger;
mod raw;
#[allow(unsafe_code)]
mod runtime;
#[allow(unsafe_code)]
mod stream;
#[cfg(feature = "tokio")]
mod tokio_runtime;

pub use self::context::Context;
pub use self::handle::FromEvent;
pub use self::handle::Handle;
pub use self::handle::IntoResponse;
pub use self::handle::Setup;
pub use self::raw::Raw;
pub use self::stream::HttpHead;
pub use self::stream::ResponseStream;

/// What [`handler!`] expands to refers to these; they are no part of the API.
#[doc(hidden)]
pub mod __private {
    pub use crate::library::call;
    pub use crate::library::initialise;
    pub use crate::library::prepare;
    pub use crate::library::shut_down;
    pub use crate::runtime::attach;
    pub use pilotlight_abi as abi;
}

/// Exports handlers: `handler!(greet)`, `handler!(greet, part)`, `handler!(greet, init = setup)`.
///
/// To be used once in a library. What a handler borrows ends with its call:
///
/// ```compile_fail
/// fn keep(event: pilotlight::Raw<&'static [u8]>) -> Result<(), String> {
///     std::thread::spawn(move || event.len());
///     Ok(())
/// }
/// pilotlight::handler!(keep);
/// ```
///
/// A handler's name is its function's: the Lambda function's handler
/// is set to `<file>.<name>`, or to `<file>` alone if there is only one. `init` runs once, before
/// the first invocation: a `fn()` or `fn() -> Result<(), E>` (with the feature `tokio` also
/// `async`); if it fails, the error is reported and the execution environment ends.
///
/// `handler!(greet, shutdown = close)`, perhaps behind `init`, has `close` run when the execution
/// environment ends: a `fn()` (with the feature `tokio` also `async`), on a thread of its own and
/// perhaps while a handler runs. It has some 150 ms, and some 600 ms beside an external extension. For
/// this the runtime registers as an internal extension, two requests more in a cold start.
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
        $crate::__handler! { @export [$($handler)+] [$init] [] }
    };
    ([$($handler:ident)+] shutdown = $shutdown:path $(,)?) => {
        $crate::__handler! { @export [$($handler)+] [|| ()] [$shutdown] }
    };
    ([$($handler:ident)+] init = $init:path , shutdown = $shutdown:path $(,)?) => {
        $crate::__handler! { @export [$($handler)+] [$init] [$shutdown] }
    };
    ([$($known:ident)*] $handler:ident , $($rest:tt)+) => {
        $crate::__handler! { [$($known)* $handler] $($rest)+ }
    };
    ([$($known:ident)*] $handler:ident $(,)?) => {
        $crate::__handler! { @export [$($known)* $handler] [|| ()] [] }
    };
    (@export [$($handler:ident)+] [$init:expr] [$($shutdown:path)?]) => {
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
                            // What the handler borrows ends with this call at the latest.
                            let scope = ();
                            // SAFETY: the caller is the runtime, which keeps the ABI's promises.
                            unsafe { $crate::__private::call(invocation, outcome, $handler, &scope) }
                        }
                        Some(call)
                    },
                    // `call` demands it of the handler's type.
                    flags: abi::CONCURRENT,
                }
            ),+]);

            unsafe extern "C" fn init(outcome: *mut abi::Outcome) -> i32 {
                $($crate::__private::prepare($handler);)+
                // SAFETY: the caller is the runtime, which keeps the ABI's promises.
                unsafe { $crate::__private::initialise(outcome, $init) }
            }

            #[allow(unused_mut, unused_assignments)]
            const SHUTDOWN: Option<abi::Shutdown> = {
                let mut shutdown: Option<abi::Shutdown> = None;
                $(
                    unsafe extern "C" fn hook() {
                        $crate::__private::shut_down($shutdown);
                    }
                    shutdown = Some(hook);
                )?
                shutdown
            };

            #[unsafe(export_name = "pilotlight_library")]
            static LIBRARY: abi::Exported<abi::Library> = abi::Exported(abi::Library {
                abi_version: abi::ABI_VERSION,
                handler_count: [$(stringify!($handler)),+].len() as u32,
                handlers: HANDLERS.0.as_ptr(),
                init: Some(init),
                shutdown: SHUTDOWN,
                attach: Some($crate::__private::attach),
            });
        };
    };
    ($($unexpected:tt)*) => {
        compile_error!(
            "expected handler!(f), handler!(f, g), handler!(f, init = setup), or handler!(f, init = setup, shutdown = close)"
        );
    };
}
