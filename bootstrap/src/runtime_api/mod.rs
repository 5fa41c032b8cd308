//! The Runtime API, version 2018-06-01: the only file that knows its URLs and header names.
//!
//! Source: "Using the Lambda runtime API" in AWS's documentation. One kept-alive connection carries
//! everything. There is no time-out and no proxy: the environment may be frozen for hours between
//! a `GET /next` and its answer, and the server is on this machine.

mod endpoint;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use self::endpoint::Endpoint;
use crate::crash;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::http;
use crate::http::Answer;
use crate::http::ReadError;
use crate::http::Receive;
use crate::invocation::HandlerError;
use crate::invocation::Invocation;
use crate::json;
use crate::sys;
use crate::sys::Socket;
use crate::xray;

const USER_AGENT: &str = concat!("pilotlight/", env!("CARGO_PKG_VERSION"));

/// Where something is posted, behind the base and the version; joined from its parts.
type Path<'a> = [&'a [u8]; 3];

const INIT_ERROR: Path = [b"init/error", b"", b""];

fn invocation_path<'a>(invocation: &Invocation<'a>, what: &'static [u8]) -> Path<'a> {
    [b"invocation/", invocation.request_id, what]
}

/// A client of the Runtime API.
#[derive(Debug)]
pub struct RuntimeApi {
    endpoint: Endpoint,
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
    /// Takes the address from the environment; the connection is made by the first request.
    pub fn new(environment: &Environment) -> Result<RuntimeApi, Failure> {
        let endpoint = environment.runtime_api.ok_or_else(|| {
            Failure::runtime_api(
                "AWS_LAMBDA_RUNTIME_API is not set; Lambda sets it, and so does `pilotlight run`"
                    .into(),
            )
        })?;
        let endpoint = Endpoint::parse(endpoint).ok_or_else(|| {
            let text = String::from_utf8_lossy(endpoint);
            Failure::runtime_api(format!(
                "AWS_LAMBDA_RUNTIME_API is `{text}`; expected host:port, as in 127.0.0.1:9001"
            ))
        })?;
        let (base, host) = (&endpoint.base, &endpoint.authority);
        let next_request = format!(
            "GET {base}/2018-06-01/runtime/invocation/next HTTP/1.1\r\n\
             Host: {host}\r\nUser-Agent: {USER_AGENT}\r\n\r\n"
        );
        let api = RuntimeApi {
            endpoint,
            connection: None,
            working_directory: environment.task_root.unwrap_or_default(),
            next_request: next_request.into_bytes(),
            request: Vec::new(),
            answer: Vec::new(),
        };
        api.arm(INIT_ERROR, None);
        Ok(api)
    }

    /// Prepares what is to be posted if the process ends by itself.
    fn arm(&self, path: Path, invocation_id: Option<&[u8]>) {
        let category: &[u8] = b"\r\nLambda-Runtime-Function-Error-Type: ";
        crash::arm(self.endpoint.address, &[&self.post_head(path, invocation_id), &[category]]);
    }

    /// What every post begins with, up to the end of a header.
    fn post_head<'h>(&'h self, path: Path<'h>, invocation_id: Option<&'h [u8]>) -> [&'h [u8]; 13] {
        let id_name: &[u8] = match invocation_id {
            Some(_) => b"\r\nLambda-Runtime-Invocation-Id: ",
            None => b"",
        };
        let [first, second, third] = path;
        [
            b"POST ",
            self.endpoint.base.as_bytes(),
            b"/2018-06-01/runtime/",
            first,
            second,
            third,
            b" HTTP/1.1\r\nHost: ",
            self.endpoint.authority.as_bytes(),
            b"\r\nUser-Agent: ",
            USER_AGENT.as_bytes(),
            id_name,
            invocation_id.unwrap_or_default(),
            b"\r\nContent-Type: application/json",
        ]
    }

    /// Waits for the next invocation, for as long as it takes.
    pub fn next<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Invocation<'b>, Failure> {
        let request = core::mem::take(&mut self.next_request);
        let answer = self.exchange(&request, &[], buffer);
        self.next_request = request;
        let Exchange { answer, .. } = answer?;
        if answer.status != 200 {
            let message = refusal("GET /next", &answer, buffer);
            return Err(Failure::runtime_api(message));
        }
        let mut invocation = parse_invocation(&buffer[answer.head.clone()]);
        invocation.event = &buffer[answer.body];
        if invocation.request_id.is_empty() {
            let message = "GET /next answered without Lambda-Runtime-Aws-Request-Id";
            return Err(Failure::runtime_api(message.into()));
        }
        self.arm(invocation_path(&invocation, b"/error"), invocation.invocation_id);
        Ok(invocation)
    }

    /// Posts the answer of a handler.
    pub fn respond(&mut self, invocation: &Invocation, body: &[u8]) -> Result<(), Failure> {
        let path = invocation_path(invocation, b"/response");
        self.post(path, invocation.invocation_id, None, body)?.into_result()
    }

    /// Posts the failure of a handler.
    pub fn fail(&mut self, invocation: &Invocation, error: &HandlerError) -> Result<(), Failure> {
        let path = invocation_path(invocation, b"/error");
        let body = json::error_body(error);
        self.post(path, invocation.invocation_id, Some(error), body.as_bytes())?.into_result()
    }

    /// Posts what went wrong before the first invocation; the process is to end with it.
    pub fn fail_init(&mut self, failure: Failure) -> Failure {
        let error = HandlerError {
            error_type: failure.error_type.as_bytes(),
            message: failure.message.as_bytes(),
            stack_trace: failure.stack_trace.as_bytes(),
        };
        let body = json::error_body(&error);
        match self.post(INIT_ERROR, None, Some(&error), body.as_bytes()) {
            Ok(Posted::Accepted) => {}
            Ok(Posted::Dropped(message)) => log(&message),
            Ok(Posted::Fatal(api)) | Err(api) => api.log(),
        }
        failure
    }

    fn post(
        &mut self,
        path: Path,
        invocation_id: Option<&[u8]>,
        error: Option<&HandlerError>,
        body: &[u8],
    ) -> Result<Posted, Failure> {
        crash::disarm();
        let mut request = core::mem::take(&mut self.request);
        request.clear();
        let mut put = |parts: &[&[u8]]| parts.iter().for_each(|part| request.extend(*part));
        put(&self.post_head(path, invocation_id));
        if let Some(error) = error {
            let kind = function_error_type(error.error_type);
            put(&[b"\r\nLambda-Runtime-Function-Error-Type: ", kind.as_bytes()]);
            let cause = xray::cause(error, self.working_directory);
            put(&[b"\r\nLambda-Runtime-Function-XRay-Error-Cause: ", cause.as_bytes()]);
        }
        put(&[b"\r\nContent-Length: ", format!("{}", body.len()).as_bytes(), b"\r\n\r\n"]);

        let mut buffer = core::mem::take(&mut self.answer);
        let answer = self.exchange(&request, body, &mut buffer);
        self.request = request;
        let posted = answer.map(|exchange| Posted::of(path, &exchange, &buffer));
        self.answer = buffer;
        posted
    }

    /// Sends a request and reads its answer. A kept connection that turns out to have been closed
    /// before any byte of an answer is replaced once; that is what closing it at rest looks like.
    fn exchange(
        &mut self,
        head: &[u8],
        body: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<Exchange, Failure> {
        let kept = self.connection.take();
        let was_kept = kept.is_some();
        let mut sent_again = false;
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.endpoint.connect()?,
        };
        let mut result = attempt(&connection, head, body, buffer);
        if was_kept && result.as_ref().is_err_and(closed_at_rest) {
            connection = self.endpoint.connect()?;
            result = attempt(&connection, head, body, buffer);
            sent_again = true;
        }
        let answer = result.map_err(|error| self.unreadable(head, &error))?;
        if answer.keep_alive {
            self.connection = Some(connection);
        }
        Ok(Exchange { answer, sent_again })
    }

    fn unreadable(&self, head: &[u8], error: &ReadError) -> Failure {
        let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let what = match error {
            ReadError::Closed | ReadError::Cut => "the connection was closed".into(),
            ReadError::System(errno) => format!("errno {errno}"),
            ReadError::Malformed(what) => format!("malformed answer: {what}"),
            ReadError::TooLarge(size) => format!("no memory for a body of {size} bytes"),
        };
        Failure::runtime_api(format!("{}: {line}: {what}", self.endpoint.authority))
    }
}

/// An answer, and whether the request may have arrived twice.
struct Exchange {
    answer: Answer,
    sent_again: bool,
}

fn attempt(
    connection: &Socket,
    head: &[u8],
    body: &[u8],
    buffer: &mut Vec<u8>,
) -> Result<Answer, ReadError> {
    buffer.clear();
    connection.send(head, body).map_err(ReadError::System)?;
    http::read_answer(&mut &*connection, buffer)
}

fn closed_at_rest(error: &ReadError) -> bool {
    const EPIPE: i32 = 32;
    const ECONNRESET: i32 = 104;
    matches!(error, ReadError::Closed | ReadError::System(EPIPE | ECONNRESET))
}

/// What became of a post.
enum Posted {
    /// 200 or 202.
    Accepted,
    /// This answer is lost, and the next invocation is not.
    Dropped(String),
    /// The runtime and the platform no longer agree on where they are.
    Fatal(Failure),
}

impl Posted {
    fn of(path: Path, exchange: &Exchange, buffer: &[u8]) -> Posted {
        let Exchange { answer, sent_again } = exchange;
        match answer.status {
            200 | 202 => Posted::Accepted,
            // The first of the two had arrived: the answer is not lost, and not repeated.
            400 | 403 if *sent_again => Posted::Accepted,
            status => {
                let path = path.concat();
                let request = format!("POST /{}", String::from_utf8_lossy(&path));
                let message = refusal(&request, answer, buffer);
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
                log(&message);
                Ok(())
            }
            Posted::Fatal(failure) => Err(failure),
        }
    }
}

fn log(message: &str) {
    sys::log(&format!("pilotlight: {message}\n"));
}

/// One line for an answer that refuses: the server's own words are short JSON.
fn refusal(request: &str, answer: &Answer, buffer: &[u8]) -> String {
    let body = &buffer[answer.body.clone()];
    let body = body[..body.len().min(300)].trim_ascii();
    let printable = |&byte: &u8| if byte.is_ascii_control() { b' ' } else { byte };
    let words: Vec<u8> = body.iter().map(printable).collect();
    format!("{request} was answered {}: {}", answer.status, String::from_utf8_lossy(&words))
}

/// All that the headers of `/next` say. Names come in any case and order, values in any form.
fn parse_invocation(head: &[u8]) -> Invocation<'_> {
    const PREFIX: &[u8] = b"lambda-runtime-";
    let mut invocation = Invocation::default();
    for (name, value) in http::headers(head) {
        let Some((prefix, rest)) = name.split_at_checked(PREFIX.len()) else {
            continue;
        };
        if !prefix.eq_ignore_ascii_case(PREFIX) || value.is_empty() {
            continue;
        }
        let is = |name: &[u8]| rest.eq_ignore_ascii_case(name);
        if is(b"aws-request-id") {
            invocation.request_id = value;
        } else if is(b"deadline-ms") {
            invocation.deadline_ms = http::decimal(value).map(|number| number as u64);
        } else if is(b"invoked-function-arn") {
            invocation.invoked_function_arn = Some(value);
        } else if is(b"trace-id") {
            invocation.trace_id = Some(value);
        } else if is(b"client-context") {
            invocation.client_context = Some(value);
        } else if is(b"cognito-identity") {
            invocation.cognito_identity = Some(value);
        } else if is(b"aws-tenant-id") {
            invocation.tenant_id = Some(value);
        } else if is(b"invocation-id") {
            invocation.invocation_id = Some(value);
        }
    }
    invocation
}

/// The category of a failure in the one form that the platform keeps,
/// `(Runtime|Function)\.[A-Z][a-zA-Z]+`: the error's own type where that fits.
fn function_error_type(error_type: &[u8]) -> String {
    let (category, reason) = match error_type.strip_prefix(b"Runtime.") {
        Some(reason) => ("Runtime", reason),
        None => ("Function", error_type.strip_prefix(b"Function.").unwrap_or(error_type)),
    };
    let fits = matches!(reason, [b'A'..=b'Z', rest @ ..]
        if !rest.is_empty() && rest.iter().all(u8::is_ascii_alphabetic));
    match core::str::from_utf8(reason) {
        Ok(reason) if fits => format!("{category}.{reason}"),
        _ => "Function.HandlerError".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_in_any_case_and_bad_ones_are_absent() {
        let head = b"lambda-runtime-aws-request-id: 1\r\nLAMBDA-RUNTIME-DEADLINE-MS: 12\r\n\
            Lambda-Runtime-Trace-Id: \r\nLambda-Runtime-Aws-Tenant-Id: t\r\nOther: x\r\n\r\n";
        let invocation = parse_invocation(head);
        assert_eq!(invocation.request_id, b"1");
        assert_eq!(invocation.deadline_ms, Some(12));
        assert_eq!(invocation.trace_id, None);
        assert_eq!(invocation.tenant_id, Some(&b"t"[..]));
        let absurd = b"Lambda-Runtime-Deadline-Ms: 99999999999999999999999\r\n\r\n";
        assert_eq!(parse_invocation(absurd).deadline_ms, None);
    }

    #[test]
    fn error_types_are_those_that_the_platform_keeps() {
        assert_eq!(function_error_type(b"ParseError"), "Function.ParseError");
        assert_eq!(function_error_type(b"Runtime.NoSuchHandler"), "Runtime.NoSuchHandler");
        for other in [&b""[..], b"E", b"parse", b"Error2", b"Own.Error", b"A\r\nB", b"\xff"] {
            assert_eq!(function_error_type(other), "Function.HandlerError");
        }
    }
}
