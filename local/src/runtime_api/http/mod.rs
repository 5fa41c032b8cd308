//! The Runtime API's HTTP/1.1 server: blocking, with one thread for each connection.
//!
//! Clients are served by hyper (`server.rs`). Runtimes are not, because their times are taken
//! from the kernel's timestamps of each packet, and because they may violate the protocol.

mod answer;
mod arrival;
mod body;
mod listen;

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

pub use self::answer::Answer;
pub use self::answer::json;
pub use self::body::Body;
pub use self::listen::Listener;

/// Limit for the number of headers; runtimes send about ten.
const MAX_HEADERS: usize = 128;
/// Limit for all headers together, in bytes; the X-Ray cause alone may be large.
const MAX_HEAD: usize = 2 << 20;

/// Limit for a write: a runtime that does not read for this long loses its connection.
const WRITE_LIMIT: Duration = Duration::from_secs(60);

/// Header lines of a request, or the trailers of its body.
pub type Headers = Vec<(String, Vec<u8>)>;

/// A request without its body.
#[derive(Clone, Debug)]
pub struct Head {
    /// Arrival time of its first bytes.
    pub received: Instant,
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The path with its query, as sent.
    pub target: String,
    /// The header lines, in order.
    pub headers: Headers,
}

impl Head {
    /// A header's value, by its name in any case, if it is UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The path without its query.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(path, _)| path)
    }
}

/// A value by its name in any case, if it is UTF-8.
pub fn find<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    let (_, value) = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(value).ok()
}

/// A runtime's connection.
#[derive(Debug)]
pub struct Connection {
    stream: Arc<TcpStream>,
    /// Bytes that were received and not used yet.
    buffer: Vec<u8>,
    /// Arrival time of the last of them.
    arrived: Instant,
}

impl Connection {
    /// Configures an accepted stream.
    pub fn new(stream: Arc<TcpStream>) -> io::Result<Connection> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(WRITE_LIMIT))?;
        Ok(Connection { stream, buffer: Vec::with_capacity(16 << 10), arrived: Instant::now() })
    }

    /// Arrival time of the bytes that were read last.
    pub fn arrived(&self) -> Instant {
        self.arrived
    }

    /// Reads the next request's head; `None` when the client has closed the connection.
    pub fn read_head(&mut self) -> io::Result<Option<Head>> {
        if self.buffer.is_empty() && self.more()? == 0 {
            return Ok(None);
        }
        let received = self.arrived;
        loop {
            if let Some((head, end)) = parse_head(&self.buffer, received)? {
                self.buffer.drain(..end);
                return Ok(Some(head));
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(malformed("headers above 2 MiB"));
            }
            if self.more()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn more(&mut self) -> io::Result<usize> {
        let mut bytes = [0; 16 << 10];
        let read;
        (read, self.arrived) = arrival::read(&self.stream, &mut bytes)?;
        self.buffer.extend_from_slice(&bytes[..read]);
        Ok(read)
    }
}

fn parse_head(bytes: &[u8], received: Instant) -> io::Result<Option<(Head, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let status = parsed.parse(bytes).map_err(|error| malformed(&error.to_string()))?;
    let httparse::Status::Complete(end) = status else {
        return Ok(None);
    };
    let head = Head {
        received,
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        headers: owned(parsed.headers),
    };
    Ok(Some((head, end)))
}

fn owned(headers: &[httparse::Header]) -> Headers {
    headers.iter().map(|header| (header.name.to_owned(), header.value.to_vec())).collect()
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("malformed request: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_to_their_end() {
        let now = Instant::now();
        let bytes = b"GET /a/b?x=1 HTTP/1.1\r\nX: y\r\n\r\nrest";
        let (head, end) = parse_head(bytes, now).expect("well-formed").expect("whole");
        assert_eq!(head.path(), "/a/b");
        assert_eq!(head.header("x"), Some("y"));
        assert_eq!(&bytes[end..], b"rest");
        assert!(parse_head(b"GET / HT", now).expect("well-formed").is_none());
        assert!(parse_head(b"\x00\x01\r\n\r\n", now).is_err());
    }
}
