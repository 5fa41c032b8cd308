//! The invocations of one fan-out: sent concurrently, so that each reaches another environment, and
//! ended before the ping's own deadline.
//!
//! Sources: lambda-warmer 2.3.0 for the invocations, and "Invoke" in AWS Lambda's API reference.

use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use http::Method;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use serde_json::Value;
use serde_json::json;

use crate::aws::Call;
use crate::aws::Client;
use crate::aws::LAMBDA;
use crate::aws::Response;

/// Concurrent invocations: the number of connections that AWS's SDK for JavaScript opens.
const MAX_IN_FLIGHT: u32 = 50;
/// Stack of a sending thread, in bytes; TLS needs the most.
const STACK_SIZE: usize = 512 << 10;
/// Time before the deadline that is left for the ping's own answer.
const MARGIN: Duration = Duration::from_millis(250);
/// Time-out to assume if the deadline is missing or in the past, as with some emulators: Lambda's
/// default.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);
/// Characters to percent-encode in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The invocations to send.
#[derive(Clone, Debug)]
pub struct FanOut<'a> {
    /// This function and its version, for the log.
    pub function: String,
    /// The function to invoke, with its qualifier if any.
    pub target: String,
    /// The numbers of the invocations.
    pub invocations: RangeInclusive<u32>,
    /// Whether the last invocation is synchronous.
    pub is_last_synchronous: bool,
    /// The field that makes an event a ping.
    pub flag: String,
    /// Number of environments to warm, as in the event.
    pub concurrency: Value,
    /// Id that the pings of the fan-out share.
    pub correlation_id: Value,
    /// The tenant; empty for none.
    pub tenant_id: &'a str,
    /// Deadline of the ping's invocation, in milliseconds since the Unix epoch; 0 for unknown.
    pub deadline_ms: u64,
}

/// A failed invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Failed {
    /// The service's status, if it answered.
    status: Option<u16>,
    why: String,
}

impl FanOut<'_> {
    /// Sends the invocations, and waits for all. Returns a record of the failures, if any: one line
    /// of JSON.
    pub fn send(&self, client: &Client) -> Option<String> {
        let deadline = Instant::now() + self.time_left(SystemTime::now());
        let next = AtomicU32::new(*self.invocations.start());
        let failed = Mutex::new(Vec::new());
        let work = || {
            loop {
                let invocation = next.fetch_add(1, Ordering::Relaxed);
                if !self.invocations.contains(&invocation) {
                    return;
                }
                if let Err(error) = self.invoke(client, invocation, deadline) {
                    failed.lock().unwrap_or_else(PoisonError::into_inner).push(error);
                }
            }
        };
        let count = self.invocations.clone().count();
        thread::scope(|scope| {
            // This thread sends, too; all of them if no other thread can be started.
            for _ in 1..count.min(MAX_IN_FLIGHT as usize) {
                let builder = thread::Builder::new().stack_size(STACK_SIZE);
                if builder.spawn_scoped(scope, work).is_err() {
                    break;
                }
            }
            work();
        });
        let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        (!failed.is_empty()).then(|| self.record(count, &failed))
    }

    /// Time until [`MARGIN`] before the ping's deadline.
    fn time_left(&self, now: SystemTime) -> Duration {
        let deadline = UNIX_EPOCH.checked_add(Duration::from_millis(self.deadline_ms));
        let left = deadline.and_then(|deadline| deadline.duration_since(now).ok());
        left.unwrap_or(DEFAULT_TIMEOUT).min(Duration::from_secs(900)).saturating_sub(MARGIN)
    }

    fn invoke(&self, client: &Client, number: u32, deadline: Instant) -> Result<(), Failed> {
        let is_synchronous = self.is_last_synchronous && number == *self.invocations.end();
        let kind = if is_synchronous { "RequestResponse" } else { "Event" };
        let mut headers = vec![("x-amz-invocation-type", kind), ("x-amz-log-type", "None")];
        if !self.tenant_id.is_empty() {
            headers.push(("x-amz-tenant-id", self.tenant_id));
        }
        let payload = self.payload(number);
        let function = utf8_percent_encode(&self.target, SEGMENT);
        let call = Call {
            service: &LAMBDA,
            method: Method::POST,
            path: &format!("/2015-03-31/functions/{function}/invocations"),
            headers: &headers,
            body: payload.as_bytes(),
            timeout: deadline.saturating_duration_since(Instant::now()),
            // A ping that arrives twice warms twice.
            is_idempotent: true,
        };
        match client.call(&call) {
            Ok(response) => judge(&response),
            Err(why) => Err(Failed { status: None, why }),
        }
    }

    /// The event of one invocation. It has no number of environments, so it fans out no further.
    fn payload(&self, number: u32) -> String {
        json!({
            self.flag.as_str(): true,
            "__WARMER_INVOCATION__": number,
            "__WARMER_CONCURRENCY__": self.concurrency,
            "__WARMER_CORRELATIONID__": self.correlation_id,
        })
        .to_string()
    }

    fn record(&self, invoked: usize, failed: &[Failed]) -> String {
        let first = &failed[0];
        json!({
            "action": "warmer",
            "function": self.function,
            "target": self.target,
            "correlationId": self.correlation_id,
            "invoked": invoked,
            "failed": failed.len(),
            "status": first.status,
            "error": format!("{}{}", first.why, advice(first.status)),
        })
        .to_string()
    }
}

/// The record of a ping that is not fanned out, or not fully.
pub fn refusal(function: &str, target: &str, why: &str) -> String {
    json!({ "action": "warmer", "function": function, "target": target, "skipped": why })
        .to_string()
}

/// Advice for a failure, as the end of a sentence.
fn advice(status: Option<u16>) -> &'static str {
    match status {
        Some(403) => "; the function's role needs lambda:InvokeFunction on the function",
        Some(404) => "; the function's name or qualifier is wrong",
        Some(429) => "; the function or the account has no more environments to warm",
        Some(_) => "",
        None => "; in a VPC, reaching Lambda takes a NAT gateway or an endpoint for it",
    }
}

/// Whether an invocation was accepted and, if it was synchronous, succeeded.
fn judge(response: &Response) -> Result<(), Failed> {
    let status = response.status;
    let header = |name| response.headers.get(name).and_then(|value| value.to_str().ok());
    if !(200..300).contains(&status) {
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let text = |name: &str| body[name].as_str();
        let kind = header("x-amzn-errortype").or_else(|| text("__type")).unwrap_or("an error");
        let kind = kind.split(':').next().unwrap_or(kind);
        let message = text("Message").or_else(|| text("message")).map(str::to_owned);
        // A proxy on the way to Lambda may answer in another format.
        let start = || String::from_utf8_lossy(&response.body).chars().take(300).collect();
        let message = message.unwrap_or_else(start);
        let why = format!("Lambda answered {status}, {kind}: {message}");
        return Err(Failed { status: Some(status), why });
    }
    match header("x-amz-function-error") {
        None => Ok(()),
        Some(kind) => {
            let why = format!("the function that was invoked failed ({kind})");
            Err(Failed { status: Some(status), why })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;
    use http::HeaderValue;

    fn fan_out() -> FanOut<'static> {
        FanOut {
            function: "f:1".into(),
            target: "f:1".into(),
            invocations: 2..=3,
            is_last_synchronous: true,
            flag: "w\"armer".into(),
            concurrency: json!("3"),
            correlation_id: json!({"a": 1}),
            tenant_id: "",
            deadline_ms: 10_000,
        }
    }

    #[test]
    fn payloads_are_json_with_the_events_values() {
        let payload: Value = serde_json::from_str(&fan_out().payload(2)).expect("JSON");
        let expected = json!({
            "w\"armer": true,
            "__WARMER_INVOCATION__": 2,
            "__WARMER_CONCURRENCY__": "3",
            "__WARMER_CORRELATIONID__": {"a": 1},
        });
        assert_eq!(payload, expected);
    }

    #[test]
    fn it_ends_before_the_deadline_and_ignores_past_ones() {
        let left =
            |now_ms| fan_out().time_left(UNIX_EPOCH + Duration::from_millis(now_ms)).as_millis();
        assert_eq!(left(4_000), 5_750);
        assert_eq!(left(9_900), 0);
        assert_eq!(left(10_001), 2_750);
        let far = FanOut { deadline_ms: u64::MAX, ..fan_out() };
        assert!(far.time_left(UNIX_EPOCH).as_secs() < 900);
    }

    #[test]
    fn failures_are_one_record_with_advice() {
        let mut response = Response {
            status: 403,
            headers: HeaderMap::new(),
            body: br#"{"Message":"User is not authorized"}"#.to_vec(),
        };
        let kind = HeaderValue::from_static("AccessDeniedException:http://x");
        response.headers.insert("x-amzn-errortype", kind);
        let failed = judge(&response).expect_err("refused");
        let record: Value =
            serde_json::from_str(&fan_out().record(2, &[failed.clone(), failed])).expect("JSON");
        assert_eq!(record["failed"], 2);
        assert_eq!(record["correlationId"]["a"], 1);
        assert_eq!(
            record["error"],
            "Lambda answered 403, AccessDeniedException: User is not authorized; the function's \
             role needs lambda:InvokeFunction on the function"
        );
    }

    #[test]
    fn an_answer_of_200_may_be_a_failure() {
        let headers = HeaderMap::new();
        let mut response = Response { status: 200, headers, body: Vec::new() };
        assert_eq!(judge(&response), Ok(()));
        response.headers.insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
        let failed = judge(&response).expect_err("failed");
        assert_eq!(failed.why, "the function that was invoked failed (Unhandled)");
    }
}
