//! Answers to a runtime, as the service sends them.

use std::io;
use std::io::IoSlice;
use std::io::Write as _;
use std::net::TcpStream;

use super::Connection;

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
            // A line break in a value would inject a header.
            head.extend(value.chars().filter(|letter| !matches!(letter, '\r' | '\n' | '\0')));
            head.push_str("\r\n");
        }
        head
    }
}

impl Connection {
    /// Sends an answer as the service does: small bodies with their length, larger ones as one
    /// chunk (Go's net/http does so above 2048 bytes).
    pub fn write(&mut self, answer: &Answer) -> io::Result<()> {
        const MAX_COUNTED: usize = 2048;
        let head = answer.head();
        let length = answer.body.len();
        if length <= MAX_COUNTED {
            let head = format!("{head}Content-Length: {length}\r\n\r\n");
            return write_all(&self.stream, &[head.as_bytes(), &answer.body]);
        }
        let head = format!("{head}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n");
        write_all(&self.stream, &[head.as_bytes(), &answer.body, b"\r\n0\r\n\r\n"])
    }
}

fn write_all(mut stream: &TcpStream, parts: &[&[u8]]) -> io::Result<()> {
    let mut parts: Vec<IoSlice> = parts.iter().map(|part| IoSlice::new(part)).collect();
    let mut parts = parts.as_mut_slice();
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
        202 => "Accepted",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        410 => "Gone",
        413 => "Request Entity Too Large",
        _ => "Unknown",
    }
}
