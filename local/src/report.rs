//! Lambda's own log lines and answers, in the form in which CloudWatch and clients have them.

use std::time::Duration;

use crate::environment::Unanswered;
use crate::function::Function;
use crate::runtime_api::MOST_RESPONSE;
use crate::runtime_api::Outcome;

/// What a `REPORT` line says.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Which invocation.
    pub request_id: &'a str,
    /// From the event's sending to the answer's last byte.
    pub duration: Duration,
    /// From the process's start to its first `/next`, if this invocation was the cold one.
    pub init: Option<Duration>,
    /// Peak memory of the process so far.
    pub memory_kib: u64,
}

impl Report<'_> {
    /// The line, with its tabs. Since August 2025 the billed time includes `Init`, rounded up.
    pub fn line(&self, function: &Function) -> String {
        let billed = self.duration + self.init.unwrap_or_default();
        let mut line = format!(
            "REPORT RequestId: {}\tDuration: {:.2} ms\tBilled Duration: {} ms\tMemory Size: {} MB\t\
             Max Memory Used: {} MB",
            self.request_id,
            milliseconds(self.duration),
            billed.as_nanos().div_ceil(1_000_000),
            function.memory_mb,
            self.memory_kib.div_ceil(1024),
        );
        if let Some(init) = self.init {
            line.push_str(&format!("\tInit Duration: {:.2} ms", milliseconds(init)));
        }
        line
    }
}

/// A duration as a number of milliseconds.
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// What the caller gets: the answer's bytes, and whether it is an error.
pub fn answer(
    result: Result<Outcome, Unanswered>,
    request_id: &str,
    timeout: Duration,
) -> (Vec<u8>, bool) {
    let error = |error_type: &str, message: String| {
        let body = serde_json::json!({ "errorType": error_type, "errorMessage": message });
        (body.to_string().into_bytes(), true)
    };
    match result {
        Ok(Outcome::Response(body)) => (body, false),
        Ok(Outcome::Error { body, .. })
        | Err(Unanswered::InitError(Outcome::Error { body, .. })) => (body, true),
        Ok(Outcome::TooLarge) => error(
            "Function.ResponseSizeTooLarge",
            format!(
                "Response payload size exceeded maximum allowed payload size ({MOST_RESPONSE} bytes)."
            ),
        ),
        Err(Unanswered::TimedOut) => error(
            "Sandbox.Timedout",
            format!(
                "RequestId: {request_id} Error: Task timed out after {:.2} seconds",
                timeout.as_secs_f64()
            ),
        ),
        Err(unanswered) => {
            error("Runtime.ExitError", format!("RequestId: {request_id} Error: {unanswered}"))
        }
    }
}
