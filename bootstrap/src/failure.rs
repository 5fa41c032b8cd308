//! A failure of the runtime itself, which ends the process. (A handler's failure is data: it is
//! posted, and the loop goes on.)

use alloc::format;
use alloc::string::String;

use crate::crash;
use crate::loader::LoadError;
use crate::log;
use crate::sys;

/// How the process ends; the numbers are part of what docs/errors.md promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// The handler library was refused, or its `init` failed; posted to `/init/error`.
    Init = 10,
    /// The Runtime API cannot be reached, or gave an answer that ends the process.
    RuntimeApi = 11,
    /// A bug in the bootstrap.
    Internal = 12,
}

/// What ended the runtime.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: ExitCode,
    /// `errorType` as the platform wants it: `Runtime.` or `Function.`, then one word.
    pub error_type: String,
    /// What went wrong, where, and what to do.
    pub message: String,
    /// Lines of a stack trace, each ended by a line feed.
    pub stack_trace: String,
}

impl Failure {
    /// A failure before the first invocation.
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

    fn new(code: ExitCode, error_type: &str, message: String) -> Failure {
        Failure { code, error_type: error_type.into(), message, stack_trace: String::new() }
    }

    /// Writes the one line that people find in the function's log, and ends the process. Invocations that
    /// other workers have in flight are told.
    pub fn end(&self) -> ! {
        crash::report_failure(self.code as i32);
        log::error(&format!("{}: {}", self.error_type, self.message));
        sys::exit(self.code as i32)
    }
}
