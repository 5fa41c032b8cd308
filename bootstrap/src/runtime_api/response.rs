//! The response to one invocation: posted whole, or streamed in chunks as the handler writes them.
//!
//! Source: "Response streaming" in "Building a custom runtime for AWS Lambda": a failure after the
//! first chunk is sent in the trailers; an earlier one is posted to `/error`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pilotlight_host::base64;
use pilotlight_host::errno::Errno;
use pilotlight_host::in_flight::Destination;
use pilotlight_host::sys::socket::Socket;

use super::Exchange;
use super::Posted;
use super::RuntimeApi;
use super::post_line;
use super::wire;
use crate::failure::Failure;
use crate::http;
use crate::invocation::HandlerError;
use crate::invocation::Invocation;
use crate::invocation::Sink;

const INVALID: Errno = Errno(libc::EINVAL);
const BROKEN: Errno = Errno(libc::EPIPE);
/// Time for the server to say why it stopped reading, in milliseconds.
const REJECTION_TIMEOUT_MS: i32 = 100;
/// Separates the prelude from the body. It is sent as a chunk of its own: some readers expect that.
const SEPARATOR: &[u8] = &[0; 8];

/// A response in progress.
#[derive(Debug)]
pub struct Response<'r> {
    api: &'r mut RuntimeApi,
    invocation: &'r Invocation<'r>,
    state: StreamState,
}

#[derive(Debug)]
enum StreamState {
    /// The handler has not written yet: the response is posted whole unless it does.
    NotStarted,
    /// The handler has set the content type, or the prelude of an HTTP response.
    Declared { content_type: Vec<u8>, prelude: Option<Vec<u8>> },
    /// The head, and perhaps chunks, have been sent.
    Streaming(Socket),
    /// Sending has failed.
    Broken(Posted),
}

impl Sink for Response<'_> {
    fn begin(&mut self, content_type: Option<&[u8]>, prelude: Option<&[u8]>) -> Result<(), Errno> {
        let content_type = match (content_type, prelude) {
            (_, Some(_)) => wire::HTTP_INTEGRATION,
            (Some(content_type), None) => content_type,
            (None, None) => wire::OCTET_STREAM,
        };
        // The content type becomes a header's value.
        let is_plain = content_type.iter().all(|byte| matches!(byte, b' '..=b'~'));
        if !is_plain || !matches!(self.state, StreamState::NotStarted) {
            return Err(INVALID);
        }
        let (content_type, prelude) = (content_type.to_vec(), prelude.map(<[u8]>::to_vec));
        self.state = StreamState::Declared { content_type, prelude };
        Ok(())
    }

    fn write(&mut self, data: &[u8]) -> Result<(), Errno> {
        match self.state {
            StreamState::NotStarted => self.begin(None, None)?,
            StreamState::Broken(_) => return Err(BROKEN),
            StreamState::Declared { .. } | StreamState::Streaming(_) => {}
        }
        self.piece(data).map_err(|broken| {
            self.state = StreamState::Broken(broken);
            BROKEN
        })
    }
}

impl<'r> Response<'r> {
    pub(super) fn new(api: &'r mut RuntimeApi, invocation: &'r Invocation<'r>) -> Response<'r> {
        Response { api, invocation, state: StreamState::NotStarted }
    }

    /// Ends the response with these bytes: all of it, unless the handler has streamed some.
    pub fn finish(self, body: &[u8]) -> Result<(), Failure> {
        match self.state {
            StreamState::NotStarted => self.api.respond(self.invocation, body),
            StreamState::Broken(posted) => posted.into_result(),
            StreamState::Declared { .. } | StreamState::Streaming(_) => {
                self.end(body, b"0\r\n\r\n")
            }
        }
    }

    /// Ends the response with a failure.
    pub fn fail(self, error: &HandlerError) -> Result<(), Failure> {
        match self.state {
            StreamState::NotStarted | StreamState::Declared { .. } => {
                self.api.fail(self.invocation, error)
            }
            StreamState::Broken(posted) => posted.into_result(),
            StreamState::Streaming(_) => self.end(b"", &trailers(error)),
        }
    }

    /// Streams the last piece and the end of the body, and reads the server's reply.
    fn end(mut self, body: &[u8], last: &[u8]) -> Result<(), Failure> {
        let sent = self.piece(body).and_then(|()| self.send([last, b"", b"", b""], true));
        let posted =
            sent.map_or_else(|broken| broken, |()| self.read_reply("the connection was closed"));
        posted.into_result()
    }

    fn piece(&mut self, data: &[u8]) -> Result<(), Posted> {
        if let StreamState::Declared { .. } = self.state {
            self.start()?;
        }
        // An empty chunk would end the body.
        if data.is_empty() {
            return Ok(());
        }
        self.send([chunk_head(data).as_bytes(), data, b"\r\n", b""], false)
    }

    /// Sends the head, and the prelude if there is one.
    fn start(&mut self) -> Result<(), Posted> {
        let declared = core::mem::replace(&mut self.state, StreamState::NotStarted);
        let StreamState::Declared { content_type, prelude } = declared else {
            return Ok(());
        };
        let RuntimeApi { endpoint, worker, connection, request, .. } = &mut *self.api;
        // A streamed request cannot be sent again, so the kept connection is checked first.
        let kept = connection.take().filter(Socket::is_idle);
        let socket = kept.map_or_else(|| endpoint.connect(), Ok).map_err(Posted::Fatal)?;
        worker.start_answering();
        request.clear();
        let path = wire::invocation_path(self.invocation, b"/response");
        let head = wire::post_head(endpoint, path, self.invocation.invocation_id, &content_type);
        head.iter().for_each(|part| request.extend(*part));
        request.extend(wire::STREAMING);
        if let Some(prelude) = &prelude {
            for chunk in [prelude, SEPARATOR] {
                request.extend([chunk_head(chunk).as_bytes(), chunk, b"\r\n"].concat());
            }
        }
        let destination = Destination::Trailers(socket.descriptor(), wire::ERROR_BODY);
        worker.prepare(destination, &[b"0", wire::ERROR_TYPE]);
        let sent = socket.send([request, b"", b"", b""]);
        worker.arm();
        self.state = StreamState::Streaming(socket);
        sent.map_err(|errno| self.broken(errno))
    }

    /// Sends parts of the body. After the last, a crash report can no longer be appended.
    fn send(&mut self, parts: [&[u8]; 4], is_last: bool) -> Result<(), Posted> {
        let StreamState::Streaming(socket) = &self.state else {
            return Ok(());
        };
        // A crash report cannot be inserted in the middle of a chunk.
        self.api.worker.start_answering();
        let sent = socket.send(parts);
        if !is_last {
            self.api.worker.arm();
        }
        sent.map_err(|errno| self.broken(errno))
    }

    /// The outcome of a response that the server stopped reading.
    fn broken(&mut self, errno: Errno) -> Posted {
        if let StreamState::Streaming(socket) = &self.state {
            socket.wait_readable(REJECTION_TIMEOUT_MS);
        }
        self.read_reply(&format!("the reader has gone ({errno})"))
    }

    /// Reads the server's reply. Without one, the outcome is unknown and is logged as `silence`;
    /// the next request will show whether the server is still there.
    fn read_reply(&mut self, silence: &str) -> Posted {
        let StreamState::Streaming(socket) =
            core::mem::replace(&mut self.state, StreamState::NotStarted)
        else {
            return Posted::Accepted;
        };
        let path = wire::invocation_path(self.invocation, b"/response");
        let RuntimeApi { worker, response_buffer: buffer, .. } = &mut *self.api;
        worker.start_answering();
        let response = http::read_response(&mut &socket, buffer);
        worker.disarm();
        let Ok(response) = response else {
            return Posted::Dropped(format!("{}: {silence}", post_line(path)));
        };
        let exchange = Exchange { response, resent: false };
        let posted = Posted::of(path, &exchange, buffer);
        self.api.connection = Some(socket).filter(|_| exchange.response.keep_alive);
        posted
    }
}

fn chunk_head(data: &[u8]) -> String {
    format!("{:x}\r\n", data.len())
}

/// The last chunk and the trailers of a failure.
fn trailers(error: &HandlerError) -> Vec<u8> {
    let kind = wire::function_error_type(error.error_type);
    let mut body = String::new();
    // Writing to a String cannot fail.
    let _ = base64::write(&mut body, error.to_json().as_bytes());
    let rest = format!("{kind}\r\n{}: {body}\r\n\r\n", wire::ERROR_BODY);
    [b"0", wire::ERROR_TYPE, rest.as_bytes()].concat()
}
