//! The Runtime API, version 2018-06-01. Its URLs and header names are in `wire`.
//!
//! Each worker has one kept-alive connection, which carries everything. There is no time-out and no
//! proxy: the environment may be frozen for hours between a `GET /next` and its answer, and the server
//! is on this machine.

mod endpoint;
mod extension;
mod response;
mod wire;

pub use self::response::Response;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use self::endpoint::Endpoint;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::http;
use crate::http::Answer;
use crate::http::ReadError;
use crate::http::Receive;
use crate::in_flight::Destination;
use crate::in_flight::Worker;
use crate::invocation::HandlerError;
use crate::invocation::Invocation;
use crate::json;
use crate::log;
use crate::sys::Socket;

/// What is not longer is copied behind the head of its request.
const MAX_INLINE_BODY: usize = 1024;

/// A client of the Runtime API.
#[derive(Debug)]
pub struct RuntimeApi {
    endpoint: Endpoint,
    worker: Worker,
    connection: Option<Socket>,
    /// For X-Ray.
    working_directory: &'static [u8],
    /// `GET /next`, which never changes.
    next_request: Vec<u8>,
    /// The head of the request being sent.
    request: Vec<u8>,
    /// The answer to a post.
    answer: Vec<u8>,
}

impl Receive for &Socket {
    fn receive(&mut self, buffer: &mut Vec<u8>) -> Result<usize, i32> {
        Socket::receive(self, buffer)
    }
}

impl RuntimeApi {
    /// Takes the address from the environment. The connection is made by the first request, or now, where a
    /// name may have several addresses: a report of a crash must know which of them it is.
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
            working_directory: environment.task_root.unwrap_or_default(),
            next_request,
            request: Vec::new(),
            answer: Vec::new(),
        })
    }

    /// From now on, the end of the process is a failure of the start-up.
    pub fn begin_init(&mut self) {
        self.arm(wire::INIT_ERROR, None);
    }

    /// From now on it is not, which the platform would refuse to hear.
    pub fn end_init(&mut self) {
        self.worker.disarm();
    }

    /// Prepares what is to be posted if the process ends by itself.
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

    /// Asks for the next invocation, does `meanwhile`, and waits for as long as it takes.
    pub fn next<'b>(
        &mut self,
        buffer: &'b mut Vec<u8>,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<Invocation<'b>, Failure> {
        self.worker.clear_request_id();
        self.worker.ask();
        let request = core::mem::take(&mut self.next_request);
        let answer = self.exchange(&request, &[], buffer, meanwhile);
        self.next_request = request;
        if answer.is_err() {
            self.worker.disarm();
        }
        let Exchange { answer, .. } = answer?;
        if answer.status != 200 {
            let message = refusal("GET /next", &answer, buffer);
            return Err(Failure::runtime_api(message));
        }
        if answer.unread.is_some() {
            // What was read of the event makes room for saying that.
            buffer.truncate(answer.head.end);
            buffer.shrink_to_fit();
        }
        let mut invocation = wire::parse_invocation(&buffer[answer.head.clone()]);
        invocation.event = &buffer[answer.body];
        invocation.unread = answer.unread;
        if invocation.request_id.is_empty() {
            let message = format!("GET /next answered without {}", wire::REQUEST_ID);
            return Err(Failure::runtime_api(message));
        }
        self.worker.set_request_id(invocation.request_id);
        self.arm(wire::invocation_path(&invocation, b"/error"), invocation.invocation_id);
        Ok(invocation)
    }

    /// The answer to an invocation, to be given whole or written piece by piece.
    pub fn response<'r>(&'r mut self, invocation: &'r Invocation<'r>) -> Response<'r> {
        Response::new(self, invocation)
    }

    fn respond(&mut self, invocation: &Invocation, body: &[u8]) -> Result<(), Failure> {
        let path = wire::invocation_path(invocation, b"/response");
        self.post(path, invocation.invocation_id, None, body)?.into_result()
    }

    fn fail(&mut self, invocation: &Invocation, error: &HandlerError) -> Result<(), Failure> {
        let path = wire::invocation_path(invocation, b"/error");
        let body = json::error_body(error);
        self.post(path, invocation.invocation_id, Some(error), body.as_bytes())?.into_result()
    }

    /// Posts what went wrong before the first invocation; the process is to end with it.
    pub fn fail_init(&mut self, failure: Failure) -> Failure {
        let error = HandlerError {
            error_type: failure.error_type.as_bytes(),
            message: failure.message.as_bytes(),
            stack_trace: failure.stack_trace.as_bytes(),
            is_logged: false,
        };
        let body = json::error_body(&error);
        let posted = self.post(wire::INIT_ERROR, None, Some(&error), body.as_bytes());
        if let Err(api) = posted.and_then(Posted::into_result) {
            log::error(&api.message);
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
        self.worker.answer();
        let mut request = core::mem::take(&mut self.request);
        request.clear();
        let head = wire::post_head(&self.endpoint, path, invocation_id, wire::JSON);
        head.iter().for_each(|part| request.extend(*part));
        if let Some(error) = error {
            wire::push_error(&mut request, error, self.working_directory);
        }
        request.extend(format!("\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes());
        // One part is sent faster than two.
        let rest = if body.len() > MAX_INLINE_BODY { body } else { &[] };
        if rest.is_empty() {
            request.extend(body);
        }

        let mut buffer = core::mem::take(&mut self.answer);
        let answer = self.exchange(&request, rest, &mut buffer, &mut || {});
        self.request = request;
        let posted = answer.map(|exchange| Posted::of(path, &exchange, &buffer));
        self.answer = buffer;
        self.worker.disarm();
        posted
    }

    /// Sends a request, does `meanwhile`, and reads its answer. A kept connection that turns out to have been closed
    /// before any byte of an answer is replaced once; that is what closing it at rest looks like.
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
        let answer = result.map_err(|error| self.unreadable(head, &error))?;
        if answer.keep_alive {
            self.connection = Some(connection);
        }
        Ok(Exchange { answer, resent })
    }

    fn unreadable(&self, head: &[u8], error: &ReadError) -> Failure {
        let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let what = match error {
            ReadError::Closed | ReadError::Cut => "the connection was closed".into(),
            ReadError::System(errno) => format!("errno {errno}"),
            ReadError::Malformed(what) => format!("malformed answer: {what}"),
            ReadError::TooLarge(size) => format!("no memory for {size} bytes"),
        };
        Failure::runtime_api(format!("{}: {line}: {what}", self.endpoint.authority))
    }
}

/// An answer, and whether the request may have arrived twice.
struct Exchange {
    answer: Answer,
    resent: bool,
}

fn attempt(
    connection: &Socket,
    head: &[u8],
    body: &[u8],
    buffer: &mut Vec<u8>,
    meanwhile: &mut dyn FnMut(),
) -> Result<Answer, ReadError> {
    buffer.clear();
    connection.send([head, body, b"", b""]).map_err(ReadError::System)?;
    meanwhile();
    http::read_answer(&mut &*connection, buffer)
}

fn closed_while_idle(error: &ReadError) -> bool {
    const EPIPE: i32 = 32;
    const ECONNRESET: i32 = 104;
    matches!(error, ReadError::Closed | ReadError::System(EPIPE | ECONNRESET))
}

/// What became of a post.
#[derive(Debug)]
enum Posted {
    /// 200 or 202.
    Accepted,
    /// This answer is lost, and the next invocation is not.
    Dropped(String),
    /// The runtime and the platform no longer agree on where they are.
    Fatal(Failure),
}

impl Posted {
    fn of(path: wire::Path, exchange: &Exchange, buffer: &[u8]) -> Posted {
        let Exchange { answer, resent } = exchange;
        match answer.status {
            200 | 202 => Posted::Accepted,
            // The first of the two had arrived: the answer is not lost, and not repeated.
            400 | 403 if *resent => Posted::Accepted,
            status => {
                let message = refusal(&post_line(path), answer, buffer);
                // 400: this request; 410: this invocation timed out; 413: the answer was too large.
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
                log::warn(&message);
                Ok(())
            }
            Posted::Fatal(failure) => Err(failure),
        }
    }
}

/// What people read of a post.
fn post_line(path: wire::Path) -> String {
    format!("POST /{}", String::from_utf8_lossy(&path.concat()))
}

/// One line for an answer that refuses: the server's own words are short JSON.
fn refusal(request: &str, answer: &Answer, buffer: &[u8]) -> String {
    let body = &buffer[answer.body.clone()];
    let body = body[..body.len().min(300)].trim_ascii();
    let printable = |&byte: &u8| if byte.is_ascii_control() { b' ' } else { byte };
    let words: Vec<u8> = body.iter().map(printable).collect();
    format!("{request} was answered {}: {}", answer.status, String::from_utf8_lossy(&words))
}
