//! An invocation in the Runtime API: the event, the answer, and their times.

use std::sync::mpsc::SyncSender;
use std::time::Duration;
use std::time::Instant;

use serde_json::json;

use super::http;
use super::http::Answer;

/// An invocation that `/next` delivers to the runtime.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// Identifies the invocation.
    pub request_id: String,
    /// The event, byte for byte.
    pub event: Vec<u8>,
    /// The service's header lines, without the request id.
    pub headers: Vec<(String, String)>,
    /// `Lambda-Runtime-Invocation-Id`: identifies this attempt; several attempts may have the same
    /// request id. Not sent if empty.
    pub attempt_id: String,
    /// Receives the answer while it arrives, for a client that does not wait for its end.
    pub live: Option<SyncSender<Piece>>,
}

/// A piece of an answer that still arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The answer has begun.
    Begun {
        /// `Content-Type` of the runtime's post.
        content_type: Option<String>,
        /// Whether the runtime streams the answer; otherwise all of it has arrived.
        streamed: bool,
    },
    /// The next bytes.
    Bytes(Vec<u8>),
}

/// The result of an invocation.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The runtime posted a response; empty if the bytes went to [`Invocation::live`].
    Response(Vec<u8>),
    /// The runtime posted an error.
    Error {
        /// The body, JSON as a rule.
        body: Vec<u8>,
        /// `Lambda-Runtime-Function-Error-Type`.
        error_type: Option<String>,
    },
    /// The response was larger than this limit in bytes: [`super::MAX_RESPONSE`], or that of
    /// streams.
    TooLarge(usize),
    /// A streamed response ended with an error in its trailers.
    FailedStream {
        /// The bytes before the error; empty if they went to [`Invocation::live`].
        response: Vec<u8>,
        /// `Lambda-Runtime-Function-Error-Type`.
        error_type: String,
        /// `Lambda-Runtime-Function-Error-Body`, decoded.
        body: Vec<u8>,
    },
    /// The connection broke within a response.
    Truncated,
}

/// An invocation that has ended, with its times.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Identifies the invocation.
    pub request_id: String,
    /// The result.
    pub outcome: Outcome,
    /// `Content-Type` of the runtime's post.
    pub content_type: Option<String>,
    /// From the sending of the event to the answer's last byte.
    pub duration: Duration,
    /// From then to the next `/next`: the time of what runs after the answer. Zero with several
    /// workers, which do not wait for it.
    pub overhead: Duration,
    /// Arrival time of the answer's last byte.
    pub at: Instant,
}

/// The error of a request that the Runtime API refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The status code.
    pub status: u16,
    /// `errorType` of the body.
    pub error_type: &'static str,
    /// `errorMessage` of the body.
    pub message: String,
}

impl ApiError {
    pub(super) fn new(
        status: u16,
        error_type: &'static str,
        message: impl Into<String>,
    ) -> ApiError {
        ApiError { status, error_type, message: message.into() }
    }

    /// The answer, in the shape of the Runtime API.
    pub(super) fn answer(&self) -> Answer {
        let body = json!({ "errorMessage": self.message, "errorType": self.error_type });
        http::json(self.status, format!("{body}\n"))
    }
}
