//! One HTTP/1.1 connection of a runtime: requests in, answers out.

use std::io;
use std::io::IoSlice;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::time::Instant;

/// Headers that a request may have; runtimes send about ten.
const MOST_HEADERS: usize = 64;
/// A request's headers together; the X-Ray cause alone may be large.
const MOST_HEAD: usize = 2 << 20;
/// A body, far above what the Runtime API accepts.
const MOST_BODY: usize = 256 << 20;

/// A request, read whole.
#[derive(Debug)]
pub struct Request {
    /// When its first byte was there.
    pub received: Instant,
    /// `GET` or `POST`.
    pub method: String,
    /// The path as sent.
    pub path: String,
    headers: Vec<(String, Vec<u8>)>,
    /// The body, joined if it was chunked.
    pub body: Vec<u8>,
}

impl Request {
    /// A header's value, by its name in any case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_slice())
    }

    /// As [`Request::header`], where it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.header(name)?).ok()
    }
}

/// An answer: status, headers, body.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Header lines, without those for the body's length.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A runtime's connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Takes an accepted stream over.
    pub fn new(stream: TcpStream) -> io::Result<Connection> {
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: Vec::with_capacity(16 << 10) })
    }

    /// Reads the next request; None when the runtime has closed the connection.
    pub fn read(&mut self) -> io::Result<Option<Request>> {
        if self.buffer.is_empty() && self.more()? == 0 {
            return Ok(None);
        }
        let received = Instant::now();
        loop {
            if let Some((mut request, end)) = self.parse_head(received)? {
                self.buffer.drain(..end);
                request.body = self.body(&request)?;
                return Ok(Some(request));
            }
            if self.buffer.len() > MOST_HEAD {
                return Err(malformed("headers of more than 2 MiB"));
            }
            if self.more()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn parse_head(&self, received: Instant) -> io::Result<Option<(Request, usize)>> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let status = parsed.parse(&self.buffer).map_err(|error| malformed(&error.to_string()))?;
        let httparse::Status::Complete(end) = status else {
            return Ok(None);
        };
        let headers = parsed.headers.iter();
        let headers = headers.map(|header| (header.name.to_owned(), header.value.to_vec()));
        let request = Request {
            received,
            method: parsed.method.unwrap_or_default().to_owned(),
            path: parsed.path.unwrap_or_default().to_owned(),
            headers: headers.collect(),
            body: Vec::new(),
        };
        Ok(Some((request, end)))
    }

    fn body(&mut self, request: &Request) -> io::Result<Vec<u8>> {
        if request.text("transfer-encoding").is_some_and(|value| value.ends_with("chunked")) {
            return self.chunked();
        }
        let Some(length) = request.text("content-length") else {
            return Ok(Vec::new());
        };
        let length: usize = length.parse().map_err(|_| malformed("Content-Length"))?;
        self.take(length)
    }

    fn chunked(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let size = match httparse::parse_chunk_size(&line) {
                Ok(httparse::Status::Complete((_, size))) => size,
                _ => return Err(malformed("a chunk's size")),
            };
            if size == 0 {
                while self.line()? != b"\r\n" {}
                return Ok(body);
            }
            body.extend(self.take(usize::try_from(size).map_err(|_| malformed("a chunk"))?)?);
            if self.line()? != b"\r\n" {
                return Err(malformed("a chunk longer than its size"));
            }
        }
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                return Ok(self.buffer.drain(..=end).collect());
            }
            if self.more()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        if length > MOST_BODY {
            return Err(malformed("a body of more than 256 MiB"));
        }
        let mut body: Vec<u8> = self.buffer.drain(..length.min(self.buffer.len())).collect();
        let have = body.len();
        body.resize(length, 0);
        self.stream.read_exact(&mut body[have..])?;
        Ok(body)
    }

    fn more(&mut self) -> io::Result<usize> {
        let mut bytes = [0; 16 << 10];
        let read = self.stream.read(&mut bytes)?;
        self.buffer.extend_from_slice(&bytes[..read]);
        Ok(read)
    }

    /// Sends an answer as the service does: small bodies with their length, larger ones as one
    /// chunk (Go's net/http does so above 2048 bytes).
    pub fn write(&mut self, answer: &Answer) -> io::Result<()> {
        const LARGEST_COUNTED: usize = 2048;
        let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, reason(answer.status));
        for (name, value) in &answer.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let tail = if answer.body.len() <= LARGEST_COUNTED {
            head.push_str(&format!("Content-Length: {}\r\n\r\n", answer.body.len()));
            ""
        } else {
            head.push_str(&format!(
                "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n",
                answer.body.len()
            ));
            "\r\n0\r\n\r\n"
        };
        let parts = [head.as_bytes(), &answer.body, tail.as_bytes()];
        write_all(&mut self.stream, &mut parts.map(IoSlice::new))
    }
}

fn write_all(stream: &mut TcpStream, mut parts: &mut [IoSlice]) -> io::Result<()> {
    IoSlice::advance_slices(&mut parts, 0);
    while !parts.is_empty() {
        match stream.write_vectored(parts)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => IoSlice::advance_slices(&mut parts, written),
        }
    }
    Ok(())
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("malformed request: {what}"))
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        410 => "Gone",
        413 => "Request Entity Too Large",
        _ => "Unknown",
    }
}
