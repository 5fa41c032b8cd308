//! Lambda's own errors, in the form that its clients parse.

use std::fmt;

use serde_json::Value;
use serde_json::json;

use super::HttpResponse;
use crate::identifiers;
use crate::placement::Throttled;

/// An error of the service, as opposed to an error of a function.
#[derive(Clone, Debug)]
pub struct ServiceError {
    status: u16,
    /// `x-amzn-ErrorType`.
    error_type: &'static str,
    body: Value,
}

impl ServiceError {
    /// An error with a message.
    pub fn new(status: u16, error_type: &'static str, message: impl Into<String>) -> ServiceError {
        // Source: the exceptions of botocore's model of Lambda, which has both spellings.
        let name = match error_type {
            "ResourceNotFoundException" | "ServiceException" => "Message",
            _ => "message",
        };
        let kind = if status < 500 { "User" } else { "Service" };
        ServiceError { status, error_type, body: json!({ "Type": kind, name: message.into() }) }
    }

    /// A request that is not allowed.
    pub fn denied(message: impl Into<String>) -> ServiceError {
        ServiceError::new(403, "AccessDeniedException", message)
    }

    /// The function, or this version of it, does not exist.
    pub fn not_found(arn: &str) -> ServiceError {
        ServiceError::new(404, "ResourceNotFoundException", format!("Function not found: {arn}"))
    }

    /// The event is larger than `limit` bytes.
    pub fn too_large(limit: usize) -> ServiceError {
        let message =
            format!("Request must be smaller than {limit} bytes for the InvokeFunction operation");
        ServiceError::new(413, "RequestTooLargeException", message)
    }

    /// The message.
    pub fn message(&self) -> &str {
        let message = self.body.get("Message").or_else(|| self.body.get("message"));
        message.and_then(Value::as_str).unwrap_or(self.error_type)
    }

    /// The response that reports the error.
    pub fn answer(&self) -> HttpResponse {
        let answer = HttpResponse::json(self.status, self.body.to_string())
            .with("x-amzn-ErrorType", self.error_type)
            .with("x-amzn-RequestId", &identifiers::uuid());
        match self.status {
            429 => answer.with("Retry-After", "1"),
            _ => answer,
        }
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for ServiceError {}

impl From<Throttled> for ServiceError {
    fn from(throttled: Throttled) -> ServiceError {
        let reason = match throttled {
            Throttled::Reserved => "ReservedFunctionConcurrentInvocationLimitExceeded",
            // A machine without capacity looks to clients like an account at its limit.
            Throttled::Account | Throttled::NoCapacity => "ConcurrentInvocationLimitExceeded",
            Throttled::Closed => {
                return ServiceError::new(500, "ServiceException", throttled.to_string());
            }
        };
        let mut error = ServiceError::new(429, "TooManyRequestsException", "Rate Exceeded.");
        error.body["Reason"] = reason.into();
        error
    }
}
