//! A failed invocation in the three texts that Lambda knows: type, message, stack trace.

use crate::describe::short_name;

/// A failure on its way to the caller.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// `errorType`.
    pub error_type: String,
    /// `errorMessage`.
    pub message: String,
    /// `stackTrace`: lines, each ended by a line feed.
    pub stack_trace: String,
    /// Whether the function's log has it already.
    pub is_logged: bool,
}

impl Failure {
    /// The handler returned an error.
    pub fn returned(error_type: String, message: String) -> Failure {
        Failure { error_type, message, stack_trace: String::new(), is_logged: false }
    }

    /// The event does not have the type that the handler takes.
    pub fn invalid_event(handler_takes: &str, error: &serde_json::Error) -> Failure {
        let message = format!("the event is not a {}: {error}", short_name(handler_takes));
        Failure::returned("InvalidEvent".into(), message)
    }

    /// The response cannot be written as JSON.
    pub fn invalid_response(error: &serde_json::Error) -> Failure {
        let message = format!("the response cannot be written as JSON: {error}");
        Failure::returned("InvalidResponse".into(), message)
    }
}
