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
//! - the error is anything that displays. Its type's name is the `errorType` that the caller sees,
//!   its message and, for a [`std::error::Error`], those of its causes are the `errorMessage`; the
//!   function's log has both in one record. An [`Error`] has a type of the handler's choice. Boxes
//!   and `anyhow` do not say which error they hold: their type is `Error`, unless an [`Error`] is
//!   in them. A panic fails the invocation, too, with its place; the runtime goes on.
//!
//! A handler that also takes a [`ResponseStream`] writes its response piece by piece.
//!
//! Configuration that changes without a deployment is read through [`config`].
//!
//! With the feature `tokio`, handlers may be `async fn`; with the feature `log`, the macros of the crate
//! `log` write to the function's log in the format and from the level that the function is set to,
//! from the end of `init` on and unless `init` has chosen another logger.

pub mod config;
mod context;
mod describe;
mod error;
mod failure;
mod handle;
#[allow(unsafe_code)]
mod library;
#[cfg(feature = "log")]
mod logger;
mod panics;
mod raw;
#[allow(unsafe_code)]
mod response;
#[allow(unsafe_code)]
mod runtime;
#[allow(unsafe_code)]
mod stream;
#[cfg(feature = "tokio")]
mod tokio_runtime;

pub use self::context::Context;
pub use self::error::Error;
pub use self::handle::FromEvent;
pub use self::handle::Handle;
pub use self::handle::HandlerError;
pub use self::handle::IntoResponse;
pub use self::handle::Setup;
#[cfg(feature = "log")]
pub use self::logger::install as install_logger;
pub use self::raw::Raw;
pub use self::stream::HttpHead;
pub use self::stream::ResponseStream;

/// What [`handler!`] expands to refers to these; they are no part of the API.
#[doc(hidden)]
pub mod __private {
    pub use crate::describe::DescribeChosen;
    pub use crate::describe::DescribeError;
    pub use crate::describe::DescribeHolder;
    pub use crate::describe::DescribeNothing;
    pub use crate::describe::DescribeText;
    pub use crate::library::Bound;
    pub use crate::library::BoundSetup;
    pub use crate::library::check_names;
    pub use crate::library::name;
    pub use crate::runtime::attach;
    pub use pilotlight_abi as abi;
}

/// Exports handlers: `handler!(greet)`, `handler!(greet, shop::order)`,
/// `handler!(greet, init = setup)`.
///
/// To be used once in a library, and in none that another handler library depends on: the linker
/// would find two of `pilotlight_library`. What both need stands in a crate without handlers.
///
/// What a handler borrows ends with its call:
///
/// ```compile_fail
/// fn keep(event: pilotlight::Raw<&'static [u8]>) -> Result<(), String> {
///     std::thread::spawn(move || event.len());
///     Ok(())
/// }
/// pilotlight::handler!(keep);
/// ```
///
/// A handler's name is its function's, without the path: the Lambda function's handler
/// is set to `<file>.<name>`, or to `<file>` alone if there is only one. `init` runs once, before
/// the first invocation: a `fn()` or `fn() -> Result<(), E>` (with the feature `tokio` also
/// `async`); if it fails, the error is reported and the execution environment ends.
///
/// `handler!(greet, shutdown = close)`, perhaps after `init`, has `close` run when the execution
/// environment ends: a function like `init`, on a thread of its own and
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
    ([$($handler:path,)+] init = $init:path $(,)?) => {
        $crate::__handler! { @export [$($handler,)+] [$init] [] }
    };
    ([$($handler:path,)+] shutdown = $shutdown:path $(,)?) => {
        $crate::__handler! { @export [$($handler,)+] [|| ()] [$shutdown] }
    };
    ([$($handler:path,)+] init = $init:path , shutdown = $shutdown:path $(,)?) => {
        $crate::__handler! { @export [$($handler,)+] [$init] [$shutdown] }
    };
    ([$($known:path,)*] $handler:path , $($rest:tt)+) => {
        $crate::__handler! { [$($known,)* $handler,] $($rest)+ }
    };
    ([$($known:path,)*] $handler:path $(,)?) => {
        $crate::__handler! { @export [$($known,)* $handler,] [|| ()] [] }
    };
    (@export [$($handler:path,)+] [$init:expr] [$($shutdown:path)?]) => {
        // Of two in one crate, in whatever modules, the compiler says that this name is defined
        // twice.
        #[doc(hidden)]
        #[allow(non_local_definitions)]
        #[macro_export]
        macro_rules! only_one_handler_macro_per_library {
            () => {};
        }

        const _: () = {
            use $crate::__private::abi;

            const PATHS: &[&str] = &[$(concat!(stringify!($handler), "\0")),+];

            static HANDLERS: abi::Exported<&[abi::Handler]> = abi::Exported(&[$(
                abi::Handler {
                    name: $crate::__private::name(concat!(stringify!($handler), "\0")),
                    call: {
                        unsafe extern "C" fn call(
                            invocation: *const abi::Invocation,
                            outcome: *mut abi::Outcome,
                        ) -> i32 {
                            // What the handler borrows ends with this call at the latest.
                            let scope = ();
                            let handler = $crate::__private::Bound::new($handler, &scope);
                            let describe = $crate::__describe!(handler.error());
                            // SAFETY: the caller is the runtime, which keeps the ABI's promises, or
                            // `initialise`, which has no invocation.
                            unsafe { handler.call(invocation, outcome, describe) }
                        }
                        Some(call)
                    },
                    // `call` demands it of the handler's type.
                    flags: abi::CONCURRENT,
                }
            ),+]);

            unsafe extern "C" fn init(outcome: *mut abi::Outcome) -> i32 {
                let setup = $crate::__private::BoundSetup::new($init);
                let describe = $crate::__describe!(setup.error());
                // SAFETY: the caller is the runtime, which keeps the ABI's promises.
                unsafe { setup.initialise(outcome, describe, HANDLERS.0) }
            }

            // Of two libraries with handlers in one, the linker says that this is defined twice.
            #[unsafe(export_name = "a_handler_library_cannot_depend_on_another")]
            static ALONE: u8 = 0;

            #[unsafe(export_name = "pilotlight_library")]
            static LIBRARY: abi::Exported<abi::Library> = abi::Exported(abi::Library {
                abi_version: abi::ABI_VERSION,
                handler_count: {
                    $crate::__private::check_names(PATHS);
                    PATHS.len() as u32
                },
                handlers: HANDLERS.0.as_ptr(),
                init: Some(init),
                shutdown: $crate::__shutdown!($($shutdown)?),
                attach: Some($crate::__private::attach),
            });
        };
    };
    ($($unexpected:tt)*) => {
        compile_error!(
            "expected handler!(f), handler!(f, module::g), handler!(f, init = setup), or handler!(f, init = setup, shutdown = close)"
        );
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __shutdown {
    () => {
        None
    };
    ($shutdown:path) => {{
        unsafe extern "C" fn hook() {
            let hook = $crate::__private::BoundSetup::new($shutdown);
            let describe = $crate::__describe!(hook.error());
            hook.shut_down(describe);
        }
        Some(hook)
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __describe {
    ($error:expr) => {{
        #[allow(unused_imports)]
        use $crate::__private::{
            DescribeChosen, DescribeError, DescribeHolder, DescribeNothing, DescribeText,
        };
        (&&&&$error).describe()
    }};
}
