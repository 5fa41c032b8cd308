//! A failed invocation in Lambda's three fields: `errorType`, `errorMessage` and `stackTrace`.

use pilotlight_abi as abi;

use crate::runtime;
use crate::type_name::short_name;

/// A failure on its way to the caller.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// `errorType`.
    pub error_type: String,
    /// `errorMessage`.
    pub message: String,
    /// `stackTrace`: lines, each ended by a line feed.
    pub stack_trace: String,
    /// Whether the failure is already in the function's log.
    pub is_logged: bool,
}

impl Failure {
    /// The handler returned an error.
    pub fn returned(error_type: String, message: String) -> Failure {
        Failure { error_type, message, stack_trace: String::new(), is_logged: false }
    }

    /// The event does not have the type that the handler takes. The parser's message may quote the
    /// event, which must not reach the log, so the log has only line and column.
    pub fn invalid_event(expected: &str, error: &serde_json::Error) -> Failure {
        let problem = format!("the event is not a {}", short_name(expected));
        let failure = |details: String| {
            Failure::returned("InvalidEvent".into(), format!("{problem}: {details}"))
        };
        let runtime = runtime::attached();
        if let Some(runtime) = runtime {
            let (line, column) = (error.line(), error.column());
            let details =
                format!("line {line} column {column}; the response to the caller has details");
            failure(details).log(runtime);
        }
        Failure { is_logged: runtime.is_some(), ..failure(error.to_string()) }
    }

    /// Writes the failure to the function's log.
    pub fn log(&self, runtime: &abi::Runtime) {
        runtime::log_error(runtime, &self.error_type, &self.message, &self.stack_trace);
    }

    /// The response cannot be written as JSON.
    pub fn invalid_response(error: &serde_json::Error) -> Failure {
        let message = format!("the response cannot be written as JSON: {error}");
        Failure::returned("InvalidResponse".into(), message)
    }
}
