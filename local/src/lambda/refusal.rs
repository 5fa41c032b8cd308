//! What Lambda answers when it does not invoke: its own errors, in the shapes that its clients read.

use serde_json::Value;
use serde_json::json;

use crate::http;
use crate::http::Answer;
use crate::identifiers;
use crate::placement::Throttled;

/// An error of the service, not of a function.
#[derive(Clone, Debug)]
pub struct Refusal {
    status: u16,
    /// `x-amzn-ErrorType`.
    error_type: &'static str,
    body: Value,
}

impl Refusal {
    /// An error that its message explains.
    pub fn new(status: u16, error_type: &'static str, message: impl Into<String>) -> Refusal {
        let body = json!({ "Type": "User", "Message": message.into() });
        Refusal { status, error_type, body }
    }

    /// There is no such function, or not in that version.
    pub fn not_found(arn: &str) -> Refusal {
        Refusal::new(404, "ResourceNotFoundException", format!("Function not found: {arn}"))
    }

    /// The event is longer than the service takes.
    pub fn too_large(most: usize) -> Refusal {
        let words =
            format!("Request must be smaller than {most} bytes for the InvokeFunction operation");
        Refusal::new(413, "RequestTooLargeException", words)
    }

    /// What is wrong, in words.
    pub fn message(&self) -> &str {
        let message = self.body.get("Message").or_else(|| self.body.get("message"));
        message.and_then(Value::as_str).unwrap_or(self.error_type)
    }

    /// The answer.
    pub fn answer(&self) -> Answer {
        let answer = http::json(self.status, self.body.to_string())
            .with("x-amzn-ErrorType", self.error_type)
            .with("x-amzn-RequestId", identifiers::uuid());
        match self.status {
            429 => answer.with("Retry-After", "1"),
            _ => answer,
        }
    }
}

impl From<Throttled> for Refusal {
    fn from(throttled: Throttled) -> Refusal {
        let reason = match throttled {
            Throttled::Reserved => "ReservedFunctionConcurrentInvocationLimitExceeded",
            Throttled::Account => "ConcurrentInvocationLimitExceeded",
            Throttled::Closed => {
                let words = "The local Lambda is being ended";
                return Refusal::new(500, "ServiceException", words);
            }
        };
        let body = json!({ "Reason": reason, "Type": "User", "message": "Rate Exceeded." });
        Refusal { status: 429, error_type: "TooManyRequestsException", body }
    }
}
