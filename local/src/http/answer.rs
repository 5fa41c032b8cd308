//! Answers: whole, or chunk by chunk.

use std::io;
use std::io::IoSlice;
use std::io::Write as _;
use std::net::TcpStream;

use super::Connection;
use super::Head;

/// An answer: status, headers, body.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Header lines, without those for the body's length and the connection.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer whose body is JSON.
pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    Answer { status, headers, body: body.into() }
}

impl Answer {
    /// The same answer with one more header line.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Answer {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(name);
            head.push_str(": ");
            // A line's end in a value would begin a header of somebody else's.
            head.extend(value.chars().filter(|letter| !matches!(letter, '\r' | '\n' | '\0')));
            head.push_str("\r\n");
        }
        head
    }
}

impl Connection {
    /// Sends an answer to a runtime as the service does: small bodies with their length, larger
    /// ones as one chunk (Go's net/http does so above 2048 bytes).
    pub fn write_as_service(&mut self, answer: &Answer) -> io::Result<()> {
        const LARGEST_COUNTED: usize = 2048;
        if answer.body.len() <= LARGEST_COUNTED {
            return self.write_counted(answer, "");
        }
        let head = format!(
            "{}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n",
            answer.head(),
            answer.body.len()
        );
        let parts = [head.as_bytes(), &answer.body, b"\r\n0\r\n\r\n"];
        write_all(&mut self.stream, &mut parts.map(IoSlice::new))
    }

    /// Answers a request, and says whether the connection can serve another.
    pub fn write(&mut self, request: &Head, answer: &Answer) -> io::Result<bool> {
        let keeps = request.keeps_alive();
        // A client of version 1.0 has to be told that the connection stays.
        let connection = match (keeps, request.is_1_1) {
            (true, true) => "",
            (true, false) => "Connection: keep-alive\r\n",
            (false, _) => "Connection: close\r\n",
        };
        if request.method == "HEAD" {
            let length = answer.body.len();
            let head = format!("{}{connection}Content-Length: {length}\r\n\r\n", answer.head());
            self.stream.write_all(head.as_bytes())?;
        } else {
            self.write_counted(answer, connection)?;
        }
        Ok(keeps)
    }

    fn write_counted(&mut self, answer: &Answer, connection: &str) -> io::Result<()> {
        // RFC 9110, 8.6: an answer 204 has no body and no length.
        let length = match answer.status {
            204 => String::new(),
            _ => format!("Content-Length: {}\r\n", answer.body.len()),
        };
        let head = format!("{}{connection}{length}\r\n", answer.head());
        let parts = [head.as_bytes(), &answer.body];
        write_all(&mut self.stream, &mut parts.map(IoSlice::new))
    }

    /// Begins an answer whose body comes piece by piece; `answer.body` is its first.
    pub fn stream(&mut self, request: &Head, answer: &Answer) -> io::Result<ChunkedAnswer<'_>> {
        // Version 1.0 knows no chunks: its body ends with the connection.
        let chunked = request.is_1_1;
        let framing = match (chunked, request.keeps_alive()) {
            (true, true) => "Transfer-Encoding: chunked\r\n",
            (true, false) => "Transfer-Encoding: chunked\r\nConnection: close\r\n",
            (false, _) => "Connection: close\r\n",
        };
        let head = format!("{}{framing}\r\n", answer.head());
        self.stream.write_all(head.as_bytes())?;
        let keeps = chunked && request.keeps_alive();
        let mut streamed = ChunkedAnswer { stream: &mut self.stream, chunked, keeps };
        streamed.piece(&answer.body)?;
        Ok(streamed)
    }
}

/// An answer that has begun and not ended.
#[derive(Debug)]
pub struct ChunkedAnswer<'a> {
    stream: &'a mut TcpStream,
    chunked: bool,
    keeps: bool,
}

impl ChunkedAnswer<'_> {
    /// Sends a piece at once.
    pub fn piece(&mut self, piece: &[u8]) -> io::Result<()> {
        if piece.is_empty() {
            // An empty chunk would end the body.
            return Ok(());
        }
        if !self.chunked {
            return self.stream.write_all(piece);
        }
        let size = format!("{:x}\r\n", piece.len());
        let parts = [size.as_bytes(), piece, b"\r\n"];
        write_all(self.stream, &mut parts.map(IoSlice::new))
    }

    /// Ends the body, and says whether the connection can serve another request.
    pub fn end(self) -> io::Result<bool> {
        if self.chunked {
            self.stream.write_all(b"0\r\n\r\n")?;
        }
        Ok(self.keeps)
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

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        410 => "Gone",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        _ => "Unknown",
    }
}
