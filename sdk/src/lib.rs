//! Write AWS Lambda handlers for the Pilotlight runtime: ordinary functions in an ordinary
//! `cdylib`.
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
//! [`handler!`] exports one or several handlers, and functions that run at the start and at the
//! end of an execution environment.
//!
//! # Events, responses and errors
//!
//! A handler takes its event and optionally a [`&Context`](Context), and returns a `Result`:
//!
//! - The event is any [`serde::Deserialize`], which may borrow from the event's bytes, or
//!   [`Raw<&[u8]>`](Raw), the bytes themselves.
//! - The response is any [`serde::Serialize`], or [`Raw`] of any bytes. A handler that also takes a
//!   [`ResponseStream`] writes its response piece by piece.
//! - The error is any [`std::fmt::Display`]. The name of its type becomes the `errorType` that the
//!   caller gets. Its message and, for a [`std::error::Error`], the messages of its sources become
//!   the `errorMessage`. The function's log has both in one record. An [`Error`] has an `errorType`
//!   that the handler chooses. Boxes and `anyhow` hide the type of the error that they hold: their
//!   `errorType` is `Error`, unless they hold an [`Error`].
//!
//! # Panics
//!
//! A panic fails the invocation with the `errorType` `Panic`, and message and location as
//! `errorMessage`; the process takes the next invocation. If the library is built with
//! `panic = "abort"`, the process ends, and its last report to the caller contains both.
//!
//! # Configuration
//!
//! [`config`] reads values that change without a deployment.
//!
//! # Features
//!
//! - `tokio`: handlers, `init` and `shutdown` may be `async fn`. They run on one current-thread
//!   runtime.
//! - `log`: the macros of the crate `log` write to the function's log, in the function's log format
//!   and from its level on. They do so after `init`, unless `init` has set another logger.

pub mod config;
mod context;
mod describe;
mod error;
mod failure;
mod handle;
#[allow(unsafe_code)] // Reads invocations and writes outcomes, through the ABI's pointers.
mod library;
#[cfg(feature = "log")]
mod logger;
mod panics;
mod raw;
#[allow(unsafe_code)] // Erases the type of a response's owner, and drops it by its pointer.
mod response;
#[allow(unsafe_code)] // Calls the runtime's functions.
mod runtime;
#[allow(unsafe_code)] // Calls the runtime's functions for streamed responses.
mod stream;
#[cfg(feature = "tokio")]
mod tokio_runtime;
mod type_name;

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
pub use self::stream::Prelude;
pub use self::stream::ResponseStream;

/// Compiles the README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

/// Items for the expansion of [`handler!`]; not part of the API.
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

/// Exports handlers.
///
/// ```
/// mod shop {
///     pub fn order(item: String) -> Result<String, String> {
///         Ok(format!("ordered: {item}"))
///     }
/// }
///
/// fn greet(name: String) -> Result<String, String> {
///     Ok(format!("Hello, {name}!"))
/// }
///
/// fn setup() -> Result<(), std::io::Error> {
///     std::fs::create_dir_all("/tmp/greetings")
/// }
///
/// fn close() {}
///
/// pilotlight::handler!(greet, shop::order, init = setup, shutdown = close);
/// ```
///
/// # Handlers
///
/// The name of a handler is the name of its function, without the path. The Lambda function's
/// handler is set to `<file>.<name>`, or to `<file>` alone if the library has only one handler.
///
/// # `init`
///
/// `init` runs once, before the first invocation. It is a `fn()` or a `fn() -> Result<(), E>`, with
/// the feature `tokio` also an `async fn`. If it fails, the runtime reports the error and the
/// execution environment ends.
///
/// # `shutdown`
///
/// `shutdown` is a function like `init`. It runs when the execution environment ends, on a thread
/// of its own and perhaps while a handler runs. The platform allows about 150 ms without external
/// extensions, about 600 ms with one. Lambda sends SIGTERM only to functions with an extension, so
/// the runtime then registers as an internal one: two more requests in each cold start.
///
/// # Errors
///
/// The macro can be used once in a library, and not in a library that another handler library
/// depends on: the compiler or the linker reports a name that is defined twice. Code for both
/// belongs in a crate without handlers.
///
/// A handler cannot keep what it borrows after its call:
///
/// ```compile_fail
/// fn keep(event: pilotlight::Raw<&'static [u8]>) -> Result<(), String> {
///     std::thread::spawn(move || event.len());
///     Ok(())
/// }
/// pilotlight::handler!(keep);
/// ```
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
        // If a crate uses `handler!` twice, in any modules, the compiler reports that this name is
        // defined twice.
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
                            // Bounds the lifetime of what the handler borrows by this call.
                            let scope = ();
                            let handler = $crate::__private::Bound::new($handler, &scope);
                            let describe = $crate::__describe!(handler.error());
                            // SAFETY: the caller is the runtime, which keeps the ABI's promises, or
                            // `initialise`, which passes no invocation.
                            unsafe { handler.call(invocation, outcome, describe) }
                        }
                        Some(call)
                    },
                    // `call` requires that the handler's type is Sync.
                    flags: abi::CONCURRENT,
                }
            ),+]);

            unsafe extern "C" fn init(outcome: *mut abi::Outcome) -> i32 {
                let setup = $crate::__private::BoundSetup::new($init);
                let describe = $crate::__describe!(setup.error());
                // SAFETY: the caller is the runtime, which keeps the ABI's promises.
                unsafe { setup.initialise(outcome, describe, HANDLERS.0) }
            }

            // If two handler libraries are linked into one, the linker reports that this is defined
            // twice.
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
