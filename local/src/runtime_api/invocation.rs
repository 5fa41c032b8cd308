//! An invocation on its way through the Runtime API: what goes in, what comes back, and when.

use std::sync::mpsc::SyncSender;
use std::time::Duration;
use std::time::Instant;

use serde_json::json;

use super::http;
use super::http::Answer;

/// What a runtime is given by `/next`.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// Names the invocation.
    pub request_id: String,
    /// The event, byte for byte.
    pub event: Vec<u8>,
    /// Header lines beside the request id, as the service sends them.
    pub headers: Vec<(String, String)>,
    /// `Lambda-Runtime-Invocation-Id`: names this attempt, whereas several attempts may have the
    /// same request id. Empty sends none.
    pub attempt_id: String,
    /// Where the answer goes while it comes in, for a client that does not want to wait for its end.
    pub live: Option<SyncSender<Piece>>,
}

/// A part of an answer that is still coming in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// It has begun.
    Begun {
        /// `Content-Type` of the runtime's post.
        content_type: Option<String>,
        /// Whether the runtime streams it; otherwise all of it is there already.
        streamed: bool,
    },
    /// These bytes come next.
    Bytes(Vec<u8>),
}

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The runtime posted a response; its bytes, unless they went to whom wanted them live.
    Response(Vec<u8>),
    /// The runtime posted an error.
    Error {
        /// The body, JSON as a rule.
        body: Vec<u8>,
        /// `Lambda-Runtime-Function-Error-Type`.
        error_type: Option<String>,
    },
    /// The response was larger than this limit in bytes: [`super::MAX_RESPONSE`], or that of streams.
    TooLarge(usize),
    /// A streamed response ended with an error in its trailers, behind these bytes.
    FailedStream {
        /// What had come before, unless it went to whom wanted it live.
        response: Vec<u8>,
        /// `Lambda-Runtime-Function-Error-Type`.
        error_type: String,
        /// `Lambda-Runtime-Function-Error-Body`, decoded.
        body: Vec<u8>,
    },
    /// A streamed response broke off.
    Truncated,
}

/// An invocation that has ended, with its times.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Which one.
    pub request_id: String,
    /// How.
    pub outcome: Outcome,
    /// `Content-Type` of the runtime's post.
    pub content_type: Option<String>,
    /// From the event's sending to the answer's last byte.
    pub duration: Duration,
    /// When the answer's last byte was there.
    pub at: Instant,
}

/// What the server answers a request that it refuses.
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
