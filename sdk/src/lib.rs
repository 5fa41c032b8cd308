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
//! end of an execution environment, after each invocation, and around a snapshot.
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
//! Functions that were written for the crate `lambda_runtime` become handlers by the types of
//! [`lambda_runtime`].
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
//! - `tokio`: handlers, `init`, `shutdown` and the other hooks may be `async fn`. They run on one
//!   current-thread runtime: tasks that a handler has spawned run only while a handler awaits.
//! - `tokio-multi-thread`: the runtime has a worker thread for each processor, so spawned tasks run
//!   at any time, until the platform freezes the execution environment.
//! - `http`: handlers answer HTTP, with the types of the crate `http` or as a service (axum).
//! - `log`: the macros of the crate `log` write to the function's log, in the function's log format
//!   and from its level on. They do so after `init`, unless `init` has set another logger.
//! - `tracing`: the macros of the crate `tracing` write to the function's log, in its format and
//!   from its level on, unless `init` has set another subscriber. Each invocation is a span
//!   `invocation` with the fields `requestId`, `xrayTraceId` and `tenantId`.

#[cfg(any(feature = "lambda_runtime", all(feature = "http", not(feature = "tokio"))))]
mod block_on;
pub mod config;
mod context;
mod conversion;
mod describe;
mod error;
#[allow(unsafe_code)] // The functions that a library exports are called through the ABI.
mod export;
mod failure;
mod handle;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "tracing")]
mod invocation_span;
pub mod lambda_runtime;
#[allow(unsafe_code)] // Reads invocations and writes outcomes, through the ABI's pointers.
mod library;
#[cfg(feature = "log")]
mod logger;
#[allow(unsafe_code)] // Names the library's table, which the linker finds.
mod main_macro;
#[cfg(feature = "lambda_runtime")]
mod on_lambda_runtime;
mod panics;
mod raw;
#[allow(unsafe_code)] // Erases the type of a response's owner, and drops it by its pointer.
mod response;
#[allow(unsafe_code)] // Calls the runtime's functions.
mod runtime;
#[allow(unsafe_code)] // Calls the runtime's functions for streamed responses.
mod stream;
#[cfg(feature = "tracing")]
mod subscriber;
#[cfg(feature = "tokio")]
mod tokio_runtime;
mod type_name;

pub use self::context::Context;
pub use self::context::TestContext;
pub use self::error::Error;
pub use self::handle::After;
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
#[cfg(feature = "tracing")]
pub use self::subscriber::install as install_subscriber;
#[cfg(feature = "tracing")]
pub use self::subscriber::log_layer;

/// Compiles the README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

/// Items for the expansion of [`handler!`]; not part of the API.
#[doc(hidden)]
pub mod __private {
    pub use crate::conversion::Conversion;
    pub use crate::conversion::ConvertDiagnostic;
    pub use crate::conversion::ConvertText;
    pub use crate::describe::DescribeChosen;
    pub use crate::describe::DescribeError;
    pub use crate::describe::DescribeHolder;
    pub use crate::describe::DescribeNothing;
    pub use crate::describe::DescribeText;
    pub use crate::library::Bound;
    pub use crate::library::BoundAfter;
    pub use crate::library::BoundSetup;
    pub use crate::library::check_names;
    pub use crate::library::name;
    #[cfg(feature = "lambda_runtime")]
    pub use crate::on_lambda_runtime::run as run_on_lambda_runtime;
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
/// fn init() -> Result<(), std::io::Error> {
///     std::fs::create_dir_all("/tmp/greetings")
/// }
///
/// fn flush(context: &pilotlight::Context) {
///     println!("{} is done", context.request_id());
/// }
///
/// fn shutdown() {}
///
/// pilotlight::handler!(greet, shop::order, init = init, after = flush, shutdown = shutdown);
/// ```
///
/// After the handlers come any of the functions below, in any order.
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
/// # `after`
///
/// `after` runs once for each invocation that reached a handler, also for a failed one: on the same
/// thread, when the caller has its response, and before the runtime asks for the next invocation.
/// It is a function like `init`, and may take a [`&Context`](Context), that of the invocation. The
/// environment is not frozen meanwhile, so metrics and traces can be sent here. Its time counts as
/// part of the invocation: for its deadline, and on the bill. Its error or panic goes to the log,
/// and never changes the response.
///
/// # `before_snapshot` and `after_restore`
///
/// Functions like `init`, for functions with SnapStart: the platform takes a snapshot of the
/// process after the init phase, and restores it to any number of processes. `before_snapshot` runs
/// after `init`, `after_restore` in each restored process before its first invocation. There, the
/// clock has jumped, connections are dead, and random number generators in memory have the same
/// state as in all the others. If one of them fails, the runtime reports the error and the
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
