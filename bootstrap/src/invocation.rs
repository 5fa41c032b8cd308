//! One invocation, as the Runtime API delivered it.

use alloc::string::String;

use pilotlight_host::errno::Errno;
use pilotlight_host::json;

/// The fields of an invocation. They borrow from the buffer that `/next` was read into; all but the
/// request id may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invocation<'a> {
    /// The event, byte for byte.
    pub event: &'a [u8],
    /// Bytes of the event that did not fit in memory; then `event` is empty.
    pub unread: Option<usize>,
    /// The id of the invocation in the Runtime API.
    pub request_id: &'a [u8],
    /// The id of this attempt at the invocation; echoed with the response.
    pub invocation_id: Option<&'a [u8]>,
    /// The deadline: milliseconds since the Unix epoch.
    pub deadline_ms: Option<u64>,
    /// The ARN that was invoked.
    pub invoked_function_arn: Option<&'a [u8]>,
    /// The X-Ray trace header.
    pub trace_id: Option<&'a [u8]>,
    /// The client context of the AWS Mobile SDK: JSON.
    pub client_context: Option<&'a [u8]>,
    /// The caller's Cognito identity: JSON.
    pub cognito_identity: Option<&'a [u8]>,
    /// The tenant, for functions that isolate tenants.
    pub tenant_id: Option<&'a [u8]>,
}

/// A failure that a handler reports. The text should be UTF-8, but is not checked.
#[derive(Clone, Copy, Debug)]
pub struct HandlerError<'a> {
    /// `errorType`.
    pub error_type: &'a [u8],
    /// `errorMessage`.
    pub message: &'a [u8],
    /// Lines, each ended by a line feed.
    pub stack_trace: &'a [u8],
    /// Whether the handler has logged it.
    pub is_logged: bool,
}

impl HandlerError<'_> {
    /// The body of `/error` and `/init/error`.
    pub fn to_json(&self) -> String {
        json::error_body(self.error_type, self.message, self.stack_trace)
    }
}

/// The outcome of an invocation.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// The response.
    Response(&'a [u8]),
    /// The failure.
    Failure(HandlerError<'a>),
}

/// The destination of a streamed response.
pub trait Sink {
    /// Sets the content type, or the prelude of an HTTP response (JSON), before the first piece.
    fn begin(&mut self, content_type: Option<&[u8]>, prelude: Option<&[u8]>) -> Result<(), Errno>;

    /// Sends a piece, and blocks until the reader accepts it.
    fn write(&mut self, data: &[u8]) -> Result<(), Errno>;
}
