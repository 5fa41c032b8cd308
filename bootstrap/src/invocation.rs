//! One invocation, as the Runtime API delivered it.

/// What is known of an invocation. Everything borrows from the buffer that `/next` was read into;
/// all but the request id may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invocation<'a> {
    /// The event, byte for byte.
    pub event: &'a [u8],
    /// For how many bytes of the event there was no memory: then there is none of it.
    pub unread: Option<usize>,
    /// Names the invocation to the Runtime API.
    pub request_id: &'a [u8],
    /// Names this attempt at the invocation; echoed with the answer.
    pub invocation_id: Option<&'a [u8]>,
    /// When the invocation times out: milliseconds since the Unix epoch.
    pub deadline_ms: Option<u64>,
    /// The ARN that was invoked.
    pub invoked_function_arn: Option<&'a [u8]>,
    /// The X-Ray trace header.
    pub trace_id: Option<&'a [u8]>,
    /// What a mobile client said of itself: JSON.
    pub client_context: Option<&'a [u8]>,
    /// Who the client is to Cognito: JSON.
    pub cognito_identity: Option<&'a [u8]>,
    /// The tenant, for functions that isolate tenants.
    pub tenant_id: Option<&'a [u8]>,
}

/// What a handler says of its own failure: UTF-8, as far as it keeps its promise.
#[derive(Clone, Copy, Debug)]
pub struct HandlerError<'a> {
    /// `errorType`.
    pub error_type: &'a [u8],
    /// `errorMessage`.
    pub message: &'a [u8],
    /// Lines, each ended by a line feed.
    pub stack_trace: &'a [u8],
    /// Whether the handler has written it to the log.
    pub is_logged: bool,
}

/// How an invocation ended.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// With these bytes.
    Response(&'a [u8]),
    /// With a failure.
    Failure(HandlerError<'a>),
}
