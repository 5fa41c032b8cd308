//! Bodies of requests, with a length or chunked: read as a whole, or piece by piece.

use std::io;
use std::io::Read as _;
use std::io::Write as _;

use super::Connection;
use super::Head;
use super::Headers;
use super::malformed;
use super::owned;

/// Limit for a piece, in bytes.
const MAX_PIECE: usize = 64 << 10;
/// Limit for the number of trailers.
const MAX_TRAILERS: usize = 32;
/// Limit for all trailers together, and for a chunk's size line, in bytes. An error's body in a
/// trailer is far below it.
const MAX_LINE_BYTES: usize = 8 << 20;

/// A request's body and the progress of reading it.
#[derive(Debug)]
pub struct Body {
    framing: Framing,
    /// The header lines after a chunked body, once it has ended.
    pub trailers: Headers,
}

#[derive(Debug, PartialEq, Eq)]
enum Framing {
    /// The remaining bytes.
    Counted(u64),
    /// The remaining bytes of the current chunk.
    Chunked(u64),
    Ended,
}

impl Body {
    /// The body that follows a head. Sends `100 Continue` if the client expects it.
    pub fn of(head: &Head, connection: &mut Connection) -> io::Result<Body> {
        let encoding = head.header("transfer-encoding").map(str::to_ascii_lowercase);
        let framing = if encoding.is_some_and(|encoding| encoding.ends_with("chunked")) {
            Framing::Chunked(0)
        } else {
            Framing::Counted(content_length(head)?)
        };
        if head.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            (&*connection.stream).write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        Ok(Body { framing, trailers: Vec::new() })
    }

    /// The next piece, as soon as there is one; `None` after the last.
    pub fn piece(&mut self, connection: &mut Connection) -> io::Result<Option<Vec<u8>>> {
        loop {
            let left = match &mut self.framing {
                Framing::Ended => return Ok(None),
                Framing::Counted(0) => {
                    self.framing = Framing::Ended;
                    continue;
                }
                Framing::Chunked(0) => {
                    self.next_chunk(connection)?;
                    continue;
                }
                Framing::Counted(left) | Framing::Chunked(left) => left,
            };
            let limit = usize::try_from(*left).unwrap_or(usize::MAX).min(MAX_PIECE);
            let piece = connection.some(limit)?;
            *left -= piece.len() as u64;
            if self.framing == Framing::Chunked(0) && connection.line()? != b"\r\n" {
                return Err(malformed("a chunk longer than its size"));
            }
            return Ok(Some(piece));
        }
    }

    /// The whole body; `None` if it is longer than `limit` bytes. A body whose announced length is
    /// larger is not read.
    pub fn whole(
        &mut self,
        connection: &mut Connection,
        limit: usize,
    ) -> io::Result<Option<Vec<u8>>> {
        let mut whole = Vec::new();
        if let Framing::Counted(length) = self.framing {
            let Ok(length) = usize::try_from(length) else { return Ok(None) };
            if length > limit {
                return Ok(None);
            }
            whole.reserve_exact(length);
        }
        while let Some(piece) = self.piece(connection)? {
            if whole.len() + piece.len() > limit {
                return Ok(None);
            }
            whole.extend_from_slice(&piece);
        }
        Ok(Some(whole))
    }

    fn next_chunk(&mut self, connection: &mut Connection) -> io::Result<()> {
        let line = connection.line()?;
        let size = match httparse::parse_chunk_size(&line) {
            Ok(httparse::Status::Complete((_, size))) => size,
            _ => return Err(malformed("a chunk's size")),
        };
        if size > 0 {
            self.framing = Framing::Chunked(size);
            return Ok(());
        }
        self.framing = Framing::Ended;
        let mut block = Vec::new();
        while !block.ends_with(b"\r\n\r\n") && block != b"\r\n" {
            block.extend(connection.line()?);
            if block.len() > MAX_LINE_BYTES {
                return Err(malformed("trailers above 8 MiB"));
            }
        }
        let mut headers = [httparse::EMPTY_HEADER; MAX_TRAILERS];
        match httparse::parse_headers(&block, &mut headers) {
            Ok(httparse::Status::Complete((_, found))) => self.trailers = owned(found),
            _ => return Err(malformed("a trailer")),
        }
        Ok(())
    }
}

/// The announced length. Two different lengths would allow request smuggling (RFC 9112, section
/// 6.3).
fn content_length(head: &Head) -> io::Result<u64> {
    let of = |(name, _): &&(String, Vec<u8>)| name.eq_ignore_ascii_case("content-length");
    let mut lengths = head.headers.iter().filter(of).map(|(_, value)| value.as_slice());
    let Some(first) = lengths.next() else { return Ok(0) };
    if lengths.any(|other| other != first) {
        return Err(malformed("two values of Content-Length"));
    }
    let length = std::str::from_utf8(first).ok().and_then(|length| length.trim().parse().ok());
    length.ok_or_else(|| malformed("Content-Length"))
}

impl Connection {
    /// Reads at least one byte and at most `limit`.
    fn some(&mut self, limit: usize) -> io::Result<Vec<u8>> {
        if !self.buffer.is_empty() {
            return Ok(self.buffer.drain(..limit.min(self.buffer.len())).collect());
        }
        let mut bytes = vec![0; limit];
        let read = (&*self.stream).read(&mut bytes)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.truncate(read);
        Ok(bytes)
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.buffer[searched..].iter().position(|&byte| byte == b'\n') {
                return Ok(self.buffer.drain(..=searched + end).collect());
            }
            searched = self.buffer.len();
            if searched > MAX_LINE_BYTES {
                return Err(malformed("a line above 8 MiB"));
            }
            if self.more()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}
