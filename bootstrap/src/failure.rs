//! A failure of the runtime itself, which ends the process. (A handler's failure is data: the
//! runtime posts it and continues.)

use alloc::format;
use alloc::string::String;

use pilotlight_host::crash;
use pilotlight_host::log;
use pilotlight_host::sys;
use pilotlight_loader::LoadError;

/// The exit codes; docs/errors.md promises the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// The handler library was refused, or its `init` or `before_snapshot` failed; posted to
    /// `/init/error`.
    Init = 10,
    /// The Runtime API cannot be reached, or sent a response that ends the process.
    RuntimeApi = 11,
    /// A bug in the bootstrap.
    Internal = 12,
    /// The library's `after_restore` failed; posted to `/restore/error`.
    Restore = 13,
}

/// The failure that ends the runtime.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: ExitCode,
    /// `errorType` in the platform's form: `Runtime.` or `Function.`, then one word.
    pub error_type: String,
    /// The problem, its place, and the remedy.
    pub message: String,
    /// Lines of a stack trace, each ended by a line feed.
    pub stack_trace: String,
}

impl Failure {
    /// A failure of the init phase.
    pub fn init(error_type: &str, message: String) -> Failure {
        Failure::new(ExitCode::Init, error_type, message)
    }

    /// A library that was refused.
    pub fn load(error: &LoadError) -> Failure {
        Failure::init("Runtime.HandlerLoadError", format!("{error}"))
    }

    /// A failure to talk to the Runtime API.
    pub fn runtime_api(message: String) -> Failure {
        Failure::new(ExitCode::RuntimeApi, "Runtime.ApiError", message)
    }

    /// A failure of the library's function around a snapshot, as `init`'s would be.
    pub fn snapshot(code: ExitCode, error_type: &str, failure: &Failure) -> Failure {
        let message = format!("{}: {}", failure.error_type, failure.message);
        let stack_trace = failure.stack_trace.clone();
        Failure { stack_trace, ..Failure::new(code, error_type, message) }
    }

    fn new(code: ExitCode, error_type: &str, message: String) -> Failure {
        Failure { code, error_type: error_type.into(), message, stack_trace: String::new() }
    }

    /// Logs the failure on one line and ends the process. The invocations of other workers get an
    /// error first.
    pub fn end(&self) -> ! {
        crash::report_failure(self.code as i32);
        log::error(format_args!("{}: {}", self.error_type, self.message));
        sys::exit(self.code as i32)
    }
}
