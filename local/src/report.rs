//! Lambda's own log lines and errors, in the form that CloudWatch and clients show.

use std::time::Duration;

use serde_json::Value;

use crate::environment::InvokeError;
use crate::function::Function;
use crate::limits::CpuShare;
use crate::runtime_api::Outcome;

/// Shorter times between an answer and the next `/next` are not shown: they are the runtime's own.
const MIN_OVERHEAD: Duration = Duration::from_millis(1);

/// The values of a `REPORT` line. `Runtime Overhead` is Lambda's telemetry's name for the time
/// between the answer and `/next`.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Identifies the invocation.
    pub request_id: &'a str,
    /// From the sending of the event to the answer's last byte.
    pub duration: Duration,
    /// From the answer's last byte to the next `/next`.
    pub overhead: Duration,
    /// From the process's start to its first `/next`, if this invocation was the cold one.
    pub init: Option<Duration>,
    /// From the restore of a snapshot to the first `/next`, in place of `init`.
    pub restore: Option<Duration>,
    /// Peak memory of the process so far, in KiB.
    pub memory_kib: u64,
    /// The reason that the invocation has no answer, if it has none.
    pub error: Option<&'a InvokeError>,
}

impl Report<'_> {
    /// The line, with its tabs.
    pub fn line(&self, function: &Function) -> String {
        let mut line = format!(
            "REPORT RequestId: {}\tDuration: {:.2} ms\tBilled Duration: {} ms\tMemory Size: {} MB\t\
             Max Memory Used: {} MB",
            self.request_id,
            milliseconds(self.duration),
            billed_ms(self.duration + self.overhead, self.init),
            function.memory_mb,
            self.memory_kib.div_ceil(1024),
        );
        if let Some(init) = self.init {
            line.push_str(&format!("\tInit Duration: {:.2} ms", milliseconds(init)));
        }
        if let Some(restore) = self.restore {
            let billed = billed_ms(restore, None);
            line.push_str(&format!(
                "\tRestore Duration: {:.2} ms\tBilled Restore Duration: {billed} ms",
                milliseconds(restore)
            ));
        }
        if self.overhead >= MIN_OVERHEAD {
            line.push_str(&format!("\tRuntime Overhead: {:.2} ms", milliseconds(self.overhead)));
        }
        if function.limits.cpu {
            let share = CpuShare::of_memory(function.memory_mb);
            line.push_str(&format!("\tProcessor Share: {share}"));
        }
        line.extend(self.status());
        line
    }

    /// The end of the line if there is no answer.
    fn status(&self) -> Option<String> {
        Some(match self.error? {
            InvokeError::TimedOut => "\tStatus: timeout".to_owned(),
            error => format!("\tStatus: error\tError Type: {}", error_type(error)),
        })
    }
}

/// `Billed Duration` in milliseconds, rounded up: since August 2025 it includes `Init`.
pub fn billed_ms(duration: Duration, init: Option<Duration>) -> u64 {
    let whole = duration + init.unwrap_or_default();
    u64::try_from(whole.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// A duration as a number of milliseconds.
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The bytes for the caller, and whether they are an error.
pub fn answer(
    result: Result<Outcome, InvokeError>,
    request_id: &str,
    timeout: Duration,
) -> (Vec<u8>, bool) {
    let failed = |error_type: &str, message: String| {
        let body = serde_json::json!({ "errorType": error_type, "errorMessage": message });
        (body.to_string().into_bytes(), true)
    };
    match result {
        Ok(Outcome::Response(body)) => (body, false),
        Ok(Outcome::Error { body, .. } | Outcome::FailedStream { body, .. })
        | Err(InvokeError::InitError(Outcome::Error { body, .. })) => (body, true),
        Ok(Outcome::TooLarge(limit)) => failed(
            "Function.ResponseSizeTooLarge",
            format!("Response payload size exceeded maximum allowed payload size ({limit} bytes)."),
        ),
        Ok(Outcome::Truncated) => {
            failed("Runtime.TruncatedResponse", "The response was truncated.".to_owned())
        }
        Err(error) => {
            let message = match &error {
                InvokeError::TimedOut => {
                    format!("Task timed out after {:.2} seconds", timeout.as_secs_f64())
                }
                other => other.to_string(),
            };
            let message = format!("RequestId: {request_id} Error: {message}");
            failed(&error_type(&error), message)
        }
    }
}

/// The error of an invocation or an init, for the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorSummary {
    error_type: String,
    message: String,
}

impl ErrorSummary {
    /// Parses a body posted to `/error` or `/init/error`: usually JSON with `errorType` and
    /// `errorMessage`, otherwise any text.
    pub fn read(posted: &[u8]) -> ErrorSummary {
        let error = serde_json::from_slice::<Value>(posted).unwrap_or_default();
        let field = |name: &str| error[name].as_str();
        let text = String::from_utf8_lossy(posted);
        let message = field("errorMessage").unwrap_or(&text);
        ErrorSummary::new(field("errorType").unwrap_or_default(), message)
    }

    /// The error of an init.
    pub fn of_init(error: &InvokeError) -> ErrorSummary {
        match error {
            InvokeError::InitError(Outcome::Error { body, .. }) => ErrorSummary::read(body),
            other => ErrorSummary::new(&error_type(other), &other.to_string()),
        }
    }

    fn new(error_type: &str, message: &str) -> ErrorSummary {
        /// Limit for each text, in characters, so that the history of many failures stays small.
        const MAX_SHOWN: usize = 1000;
        let cut = |text: &str| match text.char_indices().nth(MAX_SHOWN) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_owned(),
        };
        ErrorSummary { error_type: cut(error_type), message: cut(message) }
    }

    /// The entry of `GET /environments`.
    pub fn json(&self) -> Value {
        serde_json::json!({ "type": self.error_type, "message": self.message })
    }
}

/// Lambda's name for an error.
pub fn error_type(error: &InvokeError) -> String {
    let name = match error {
        InvokeError::NotStarted(_) => "Runtime.InvalidEntrypoint",
        InvokeError::InitError(Outcome::Error { error_type: Some(error_type), .. }) => error_type,
        InvokeError::InitError(_) => "Runtime.Unknown",
        InvokeError::Exited(_) => "Runtime.ExitError",
        InvokeError::TimedOut => "Sandbox.Timedout",
    };
    name.to_owned()
}

/// An outcome as text, for a log.
pub fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Response(body)
        | Outcome::Error { body, .. }
        | Outcome::FailedStream { body, .. } => String::from_utf8_lossy(body).into_owned(),
        Outcome::TooLarge(_) => "the response was too large".to_owned(),
        Outcome::Truncated => "the response was truncated".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_read_and_cut() {
        let posted = br#"{"errorType":"NotFound","errorMessage":"no such key","stackTrace":[]}"#;
        assert_eq!(ErrorSummary::read(posted), ErrorSummary::new("NotFound", "no such key"));
        assert_eq!(ErrorSummary::read(b"any text"), ErrorSummary::new("", "any text"));
        let long = ErrorSummary::new("", &"ä".repeat(2000));
        assert_eq!(long.message, format!("{}…", "ä".repeat(1000)));
    }

    #[test]
    fn a_report_ends_with_the_reason_of_a_missing_answer() {
        let end = |error: InvokeError| {
            let error = Some(&error);
            let report = Report {
                request_id: "id",
                duration: Duration::from_millis(5),
                overhead: Duration::ZERO,
                init: None,
                restore: None,
                memory_kib: 900,
                error,
            };
            let text = report.status().expect("a status");
            text.trim_start().to_owned()
        };
        assert_eq!(end(InvokeError::TimedOut), "Status: timeout");
        let exited = InvokeError::Exited(std::process::ExitStatus::default());
        assert_eq!(end(exited), "Status: error\tError Type: Runtime.ExitError");
    }
}
