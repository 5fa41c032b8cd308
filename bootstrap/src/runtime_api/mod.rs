//! A client of the Runtime API, version 2018-06-01. Its URLs and header names are in `wire`.
//!
//! Each worker sends all its requests over one kept-alive connection. It has no timeout, because
//! the environment may be frozen for hours between a `GET /next` and its response, and uses no
//! proxy, because the server is on this machine.

mod endpoint;
mod extension;
mod response;
mod restore;
mod wire;

pub use self::response::Response;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ptr;

use pilotlight_host::crash::Watch;
use pilotlight_host::errno::Errno;
use pilotlight_host::in_flight::Destination;
use pilotlight_host::in_flight::Worker;
use pilotlight_host::log;
use pilotlight_host::sys::socket::Socket;

use self::endpoint::Endpoint;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::http;
use crate::http::ReadError;
use crate::http::Receive;
use crate::invocation::HandlerError;
use crate::invocation::Invocation;

/// Bodies up to this size, in bytes, are appended to the head and sent in one write.
const MAX_INLINE_BODY: usize = 1024;

/// Limit of an error response's body in a message, in bytes.
const MAX_QUOTED: usize = 300;

/// A client of the Runtime API.
#[derive(Debug)]
pub struct RuntimeApi {
    endpoint: Endpoint,
    worker: Worker,
    connection: Option<Socket>,
    /// Reports time-outs, from the first invocation on.
    watch: Option<Watch>,
    /// For X-Ray.
    working_directory: &'static [u8],
    /// `GET /next`, which never changes.
    next_request: Vec<u8>,
    /// The head of the request being sent.
    request: Vec<u8>,
    /// The response to a post.
    response_buffer: Vec<u8>,
}

impl Receive for &Socket {
    fn receive(&mut self, buffer: &mut Vec<u8>) -> Result<usize, Errno> {
        Socket::receive(self, buffer)
    }
}

impl RuntimeApi {
    /// Takes the address from the environment. The first request connects. A name that may have
    /// several addresses is connected to now: a crash report must know which of them to use.
    pub fn new(environment: &Environment) -> Result<RuntimeApi, Failure> {
        let endpoint = environment.runtime_api.ok_or_else(|| {
            Failure::runtime_api(
                "AWS_LAMBDA_RUNTIME_API is not set; Lambda sets it, and so does `pilotlight run`"
                    .into(),
            )
        })?;
        let mut endpoint = Endpoint::parse(endpoint).ok_or_else(|| {
            let text = String::from_utf8_lossy(endpoint);
            Failure::runtime_api(format!(
                "AWS_LAMBDA_RUNTIME_API is `{text}`; expected host:port, as in 127.0.0.1:9001"
            ))
        })?;
        let next_request = wire::next_request(&endpoint);
        let is_known = endpoint.addresses.len() == 1;
        let connection = if is_known { None } else { Some(endpoint.connect()?) };
        Ok(RuntimeApi {
            endpoint,
            worker: Worker::register(),
            connection,
            watch: None,
            working_directory: environment.task_root.unwrap_or_default(),
            next_request,
            request: Vec::new(),
            response_buffer: Vec::new(),
        })
    }

    /// From now on, the end of the process is reported as a failure of the init phase.
    pub fn begin_init(&mut self) {
        self.arm(wire::INIT_ERROR, None);
    }

    /// Ends the init phase: from now on, the platform would reject such a report.
    pub fn end_init(&mut self) {
        self.worker.disarm();
    }

    /// Prepares the report to post if the process ends.
    fn arm(&mut self, path: wire::Path, invocation_id: Option<&[u8]>) {
        let RuntimeApi { endpoint, worker, .. } = self;
        let Some(&address) = endpoint.addresses.first() else {
            return;
        };
        let head = wire::post_head(endpoint, path, invocation_id, wire::JSON);
        let mut parts = [wire::ERROR_TYPE; 15];
        parts[..head.len()].copy_from_slice(&head);
        worker.prepare(Destination::Post(address), &parts);
        worker.arm();
    }

    /// Requests the next invocation, calls `meanwhile`, and waits without a timeout.
    pub fn next<'b>(
        &mut self,
        buffer: &'b mut Vec<u8>,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<Invocation<'b>, Failure> {
        // The buffer lies in the frame of the loop, which is above those of the handler.
        let frame = ptr::from_ref(buffer).addr();
        self.worker.clear_request_id();
        match &self.watch {
            Some(watch) => watch.end(),
            None => self.watch = Watch::new(),
        }
        self.worker.start_asking();
        let request = core::mem::take(&mut self.next_request);
        let response = self.exchange(&request, &[], buffer, meanwhile);
        self.next_request = request;
        if response.is_err() {
            self.worker.disarm();
        }
        let Exchange { response, .. } = response?;
        if response.status != 200 {
            let message = refusal("GET /next", &response, buffer);
            return Err(Failure::runtime_api(message));
        }
        if response.unread.is_some() {
            // Frees the part of the event that was read, so that the error can be posted.
            buffer.truncate(response.head.end);
            buffer.shrink_to_fit();
        }
        let mut invocation = wire::parse_invocation(&buffer[response.head.clone()]);
        invocation.event = &buffer[response.body];
        invocation.unread = response.unread;
        if invocation.request_id.is_empty() {
            let message = format!("GET /next answered without {}", wire::REQUEST_ID);
            return Err(Failure::runtime_api(message));
        }
        self.worker.set_request_id(invocation.request_id);
        if let Some(watch) = &self.watch {
            watch.begin(frame, invocation.deadline_ms.unwrap_or(0));
        }
        self.arm(wire::invocation_path(&invocation, b"/error"), invocation.invocation_id);
        Ok(invocation)
    }

    /// The response to an invocation, to be posted whole or streamed.
    pub fn response<'r>(&'r mut self, invocation: &'r Invocation<'r>) -> Response<'r> {
        Response::new(self, invocation)
    }

    fn respond(&mut self, invocation: &Invocation, body: &[u8]) -> Result<(), Failure> {
        let path = wire::invocation_path(invocation, b"/response");
        self.post(path, invocation.invocation_id, None, body)?.into_result()
    }

    fn fail(&mut self, invocation: &Invocation, error: &HandlerError) -> Result<(), Failure> {
        let path = wire::invocation_path(invocation, b"/error");
        let body = error.to_json();
        self.post(path, invocation.invocation_id, Some(error), body.as_bytes())?.into_result()
    }

    /// Posts a failure of the init phase and returns it; the caller ends the process with it.
    pub fn fail_init(&mut self, failure: Failure) -> Failure {
        self.fail_phase(wire::INIT_ERROR, failure)
    }

    fn fail_phase(&mut self, path: wire::Path, failure: Failure) -> Failure {
        let error = HandlerError {
            error_type: failure.error_type.as_bytes(),
            message: failure.message.as_bytes(),
            stack_trace: failure.stack_trace.as_bytes(),
            is_logged: false,
        };
        let body = error.to_json();
        let posted = self.post(path, None, Some(&error), body.as_bytes());
        if let Err(api) = posted.and_then(Posted::into_result) {
            log::error(format_args!("{}", api.message));
        }
        failure
    }

    fn post(
        &mut self,
        path: wire::Path,
        invocation_id: Option<&[u8]>,
        error: Option<&HandlerError>,
        body: &[u8],
    ) -> Result<Posted, Failure> {
        self.worker.start_answering();
        let mut request = core::mem::take(&mut self.request);
        request.clear();
        let head = wire::post_head(&self.endpoint, path, invocation_id, wire::JSON);
        head.iter().for_each(|part| request.extend(*part));
        if let Some(error) = error {
            wire::push_error(&mut request, error, self.working_directory);
        }
        request.extend(format!("\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes());
        // One buffer is sent faster than two.
        let rest = if body.len() > MAX_INLINE_BODY { body } else { &[] };
        if rest.is_empty() {
            request.extend(body);
        }

        let mut buffer = core::mem::take(&mut self.response_buffer);
        let response = self.exchange(&request, rest, &mut buffer, &mut || {});
        self.request = request;
        let posted = response.map(|exchange| Posted::of(path, &exchange, &buffer));
        self.response_buffer = buffer;
        self.worker.disarm();
        posted
    }

    /// Sends a request, calls `meanwhile`, and reads the response. A kept connection that was
    /// closed before the first byte of a response is replaced once: the server may have closed it
    /// while idle.
    fn exchange(
        &mut self,
        head: &[u8],
        body: &[u8],
        buffer: &mut Vec<u8>,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<Exchange, Failure> {
        let kept = self.connection.take();
        let was_kept = kept.is_some();
        let mut resent = false;
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.endpoint.connect()?,
        };
        self.worker.set_descriptor(connection.descriptor());
        let mut result = attempt(&connection, head, body, buffer, meanwhile);
        if was_kept && result.as_ref().is_err_and(closed_while_idle) {
            connection = self.endpoint.connect()?;
            self.worker.set_descriptor(connection.descriptor());
            result = attempt(&connection, head, body, buffer, meanwhile);
            resent = true;
        }
        let response = result.map_err(|error| self.unreadable(head, &error))?;
        if response.keep_alive {
            self.connection = Some(connection);
        }
        Ok(Exchange { response, resent })
    }

    fn unreadable(&self, head: &[u8], error: &ReadError) -> Failure {
        let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let reason = match error {
            ReadError::Closed | ReadError::Cut => "the connection was closed".into(),
            ReadError::System(errno) => errno.words().into(),
            ReadError::Malformed(part) => format!("malformed response: {part}"),
            ReadError::TooLarge(size) => format!("no memory for {size} bytes"),
        };
        Failure::runtime_api(format!("{}: {line}: {reason}", self.endpoint.authority))
    }
}

/// A response, and whether the request may have arrived twice.
struct Exchange {
    response: http::Response,
    resent: bool,
}

fn attempt(
    connection: &Socket,
    head: &[u8],
    body: &[u8],
    buffer: &mut Vec<u8>,
    meanwhile: &mut dyn FnMut(),
) -> Result<http::Response, ReadError> {
    buffer.clear();
    connection.send([head, body, b"", b""]).map_err(ReadError::System)?;
    meanwhile();
    http::read_response(&mut &*connection, buffer)
}

fn closed_while_idle(error: &ReadError) -> bool {
    const BROKEN: Errno = Errno(libc::EPIPE);
    const RESET: Errno = Errno(libc::ECONNRESET);
    matches!(error, ReadError::Closed | ReadError::System(BROKEN | RESET))
}

/// The outcome of a post.
#[derive(Debug)]
enum Posted {
    /// 200 or 202.
    Accepted,
    /// This response is lost; the next invocation is served.
    Dropped(String),
    /// The runtime and the platform disagree about the state: the process must end.
    Fatal(Failure),
}

impl Posted {
    fn of(path: wire::Path, exchange: &Exchange, buffer: &[u8]) -> Posted {
        let Exchange { response, resent } = exchange;
        match response.status {
            200 | 202 => Posted::Accepted,
            // The first of the two requests had arrived, and the server rejects the second.
            400 | 403 if *resent => Posted::Accepted,
            status => {
                let message = refusal(&post_line(path), response, buffer);
                // 400: a bad request; 410: the invocation timed out; 413: the response is too
                // large.
                match status {
                    400 | 410 | 413 => Posted::Dropped(message),
                    _ => Posted::Fatal(Failure::runtime_api(message)),
                }
            }
        }
    }

    fn into_result(self) -> Result<(), Failure> {
        match self {
            Posted::Accepted => Ok(()),
            Posted::Dropped(message) => {
                log::warn(format_args!("{message}"));
                Ok(())
            }
            Posted::Fatal(failure) => Err(failure),
        }
    }
}

/// A post's request line, for error messages.
fn post_line(path: wire::Path) -> String {
    format!("POST /{}", String::from_utf8_lossy(&path.concat()))
}

/// Describes an error response on one line; its body is short JSON.
fn refusal(request: &str, response: &http::Response, buffer: &[u8]) -> String {
    let body = &buffer[response.body.clone()];
    let body = body[..body.len().min(MAX_QUOTED)].trim_ascii();
    let printable = |&byte: &u8| if byte.is_ascii_control() { b' ' } else { byte };
    let message: Vec<u8> = body.iter().map(printable).collect();
    format!("{request} was answered {}: {}", response.status, String::from_utf8_lossy(&message))
}
