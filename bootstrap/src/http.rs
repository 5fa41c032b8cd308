//! Reads HTTP/1.1 responses into one reused buffer; they may arrive cut at any byte.
//!
//! Source: RFC 9112. A body has a Content-Length, is chunked (as the Runtime API sends larger
//! events), or ends with the connection.

use alloc::vec::Vec;
use core::ops::Range;

use pilotlight_host::bytes;
use pilotlight_host::errno::Errno;
use pilotlight_host::integer;

/// Limit of a response's head, in bytes. The Runtime API allows an invocation 1 MB of headers.
const MAX_HEAD: usize = 4 << 20;
/// Limit of the line with a chunk's size, in bytes. It may have extensions, but servers send none.
const MAX_CHUNK_LINE: usize = 64 << 10;
/// Bytes asked for by the first read: an ordinary event fits with its headers.
const FIRST_READ: usize = 4 << 10;

/// The source of a response's bytes.
pub trait Receive {
    /// Appends received bytes, at least one and at most the spare capacity of `buffer`; returns
    /// their number, 0 after the peer has closed.
    fn receive(&mut self, buffer: &mut Vec<u8>) -> Result<usize, Errno>;
}

/// A response, as ranges of the buffer that it was read into.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header lines, without the status line.
    pub head: Range<usize>,
    /// The body, joined if it was chunked.
    pub body: Range<usize>,
    /// Bytes that did not fit in memory; then the body was left unread.
    pub unread: Option<usize>,
    /// Whether the connection can carry another request.
    pub keep_alive: bool,
}

/// The reason why a response could not be read.
#[derive(Debug, PartialEq, Eq)]
pub enum ReadError {
    /// The peer closed the connection before the first byte of a response.
    Closed,
    /// The peer closed the connection in the middle of a response.
    Cut,
    /// The system refused to receive.
    System(Errno),
    /// Not HTTP, or a form of it that servers do not send; names the malformed part.
    Malformed(&'static str),
    /// This many more bytes do not fit in memory.
    TooLarge(usize),
}

/// Reads one response, skipping interim ones (1xx).
pub fn read_response(
    source: &mut impl Receive,
    buffer: &mut Vec<u8>,
) -> Result<Response, ReadError> {
    buffer.clear();
    loop {
        let end = Reader { source, buffer }.head_end()?;
        let status = parse_status(&buffer[..end])?;
        if (100..200).contains(&status) {
            // The final response follows.
            buffer.drain(..end);
            continue;
        }
        let framing = Framing::of(&buffer[..end], status)?;
        let head = line_end(buffer)..end;
        let mut reader = Reader { source, buffer };
        let body = match framing.length {
            Length::Known(length) => reader.counted(end, length),
            Length::Chunked => reader.chunked(end),
            Length::UntilClose => reader.until_close(end),
        };
        let (body, unread) = match body {
            Err(ReadError::TooLarge(size)) => (end..end, Some(size)),
            body => (body?, None),
        };
        let keep_alive = framing.keep_alive && unread.is_none();
        return Ok(Response { status, head, body, unread, keep_alive });
    }
}

/// The headers of a response's head: names as sent, values trimmed.
pub fn headers(mut head: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    core::iter::from_fn(move || {
        while !head.is_empty() {
            let (line, rest) = head.split_at(line_end(head));
            head = rest;
            if let Some(colon) = bytes::find(line, b':') {
                return Some((line[..colon].trim_ascii(), line[colon + 1..].trim_ascii()));
            }
        }
        None
    })
}

/// The framing of a body.
enum Length {
    Known(usize),
    Chunked,
    UntilClose,
}

struct Framing {
    length: Length,
    keep_alive: bool,
}

impl Framing {
    fn of(head: &[u8], status: u16) -> Result<Framing, ReadError> {
        let mut length = None;
        let mut chunked = false;
        let mut keep_alive = head.starts_with(b"HTTP/1.1");
        for (name, value) in headers(head) {
            if bytes::equal_ignoring_case(name, b"content-length") {
                let number =
                    integer::parse_decimal(value).ok_or(ReadError::Malformed("Content-Length"))?;
                length = Some(number);
            } else if bytes::equal_ignoring_case(name, b"transfer-encoding") {
                chunked = value.len() >= 7
                    && bytes::equal_ignoring_case(&value[value.len() - 7..], b"chunked");
            } else if bytes::equal_ignoring_case(name, b"connection") {
                keep_alive &= !bytes::equal_ignoring_case(value, b"close");
            }
        }
        let length = match (chunked, length) {
            (true, _) => Length::Chunked,
            (false, Some(length)) => Length::Known(length),
            (false, None) if status == 204 || status == 304 => Length::Known(0),
            (false, None) => Length::UntilClose,
        };
        let keep_alive = keep_alive && !matches!(length, Length::UntilClose);
        Ok(Framing { length, keep_alive })
    }
}

struct Reader<'a, S> {
    source: &'a mut S,
    buffer: &'a mut Vec<u8>,
}

impl<S: Receive> Reader<'_, S> {
    /// Reads more; at least `missing` bytes are still expected.
    fn more(&mut self, missing: usize) -> Result<(), ReadError> {
        let spare = self.buffer.capacity() - self.buffer.len();
        if spare < missing {
            let error = ReadError::TooLarge(missing);
            self.buffer.try_reserve(missing).map_err(|_| error)?;
        }
        match self.source.receive(self.buffer) {
            Ok(0) if self.buffer.is_empty() => Err(ReadError::Closed),
            Ok(0) => Err(ReadError::Cut),
            Ok(_) => Ok(()),
            Err(errno) => Err(ReadError::System(errno)),
        }
    }

    /// The end of the head, after its empty line.
    fn head_end(&mut self) -> Result<usize, ReadError> {
        let mut line = 0;
        loop {
            let end = self.line(line, MAX_HEAD)?;
            let is_empty = self.buffer[line..end].trim_ascii().is_empty();
            // An empty line before the status line is the end of the previous response: harmless.
            if is_empty && line != 0 {
                return Ok(end);
            }
            if end > MAX_HEAD {
                return Err(ReadError::Malformed("headers of more than 4 MiB"));
            }
            line = end;
        }
    }

    /// The end of the line that begins at `start`, after its line feed; at most `max` bytes later.
    fn line(&mut self, start: usize, max: usize) -> Result<usize, ReadError> {
        let mut searched = start;
        loop {
            let found = bytes::find(&self.buffer[searched..], b'\n');
            let end = found.map_or(self.buffer.len(), |index| searched + index + 1);
            // The cuts between reads must not decide whether a line is too long.
            if end - start > max || (found.is_none() && end - start == max) {
                return Err(ReadError::Malformed("a line that does not end"));
            }
            if found.is_some() {
                return Ok(end);
            }
            searched = end;
            self.more(FIRST_READ)?;
        }
    }

    /// Reads until the buffer holds `end` bytes.
    fn fill(&mut self, end: usize) -> Result<(), ReadError> {
        while self.buffer.len() < end {
            self.more(end - self.buffer.len())?;
        }
        Ok(())
    }

    fn counted(&mut self, start: usize, length: usize) -> Result<Range<usize>, ReadError> {
        let end = start.checked_add(length).ok_or(ReadError::TooLarge(length))?;
        self.fill(end)?;
        Ok(start..end)
    }

    /// Joins the chunks in place: the first stays, the others move up to it.
    fn chunked(&mut self, start: usize) -> Result<Range<usize>, ReadError> {
        let mut body = start..start;
        let mut line = start;
        loop {
            let data = self.line(line, MAX_CHUNK_LINE)?;
            let size = chunk_size(&self.buffer[line..data])?;
            if size == 0 {
                self.trailers(data)?;
                return Ok(body);
            }
            let end = data.checked_add(size).ok_or(ReadError::TooLarge(size))?;
            self.fill(end)?;
            if body.is_empty() {
                body = data..end;
            } else {
                self.buffer.copy_within(data..end, body.end);
                body.end += size;
            }
            line = self.line(end, 2)?;
            if !self.buffer[end..line].trim_ascii().is_empty() {
                return Err(ReadError::Malformed("a chunk longer than its size"));
            }
        }
    }

    fn trailers(&mut self, mut line: usize) -> Result<(), ReadError> {
        loop {
            let end = self.line(line, MAX_HEAD)?;
            if self.buffer[line..end].trim_ascii().is_empty() {
                return Ok(());
            }
            line = end;
        }
    }

    fn until_close(&mut self, start: usize) -> Result<Range<usize>, ReadError> {
        loop {
            match self.more(FIRST_READ) {
                Ok(()) => {}
                Err(ReadError::Cut) => return Ok(start..self.buffer.len()),
                Err(error) => return Err(error),
            }
        }
    }
}

/// The length of the first line, including its line feed.
fn line_end(bytes: &[u8]) -> usize {
    bytes::find(bytes, b'\n').map_or(bytes.len(), |index| index + 1)
}

fn parse_status(head: &[u8]) -> Result<u16, ReadError> {
    let malformed = ReadError::Malformed("the status line");
    let line = head[..line_end(head)].trim_ascii();
    let Some(rest) = line.strip_prefix(b"HTTP/1.") else {
        return Err(malformed);
    };
    match rest {
        [b'0' | b'1', b' ', code @ ..] if code.len() >= 3 => {
            let status =
                integer::parse_decimal(&code[..3]).and_then(|code| u16::try_from(code).ok());
            status.ok_or(malformed)
        }
        _ => Err(malformed),
    }
}

fn chunk_size(line: &[u8]) -> Result<usize, ReadError> {
    let end = line.iter().position(|&byte| byte == b';').unwrap_or(line.len());
    integer::parse_hex(line[..end].trim_ascii()).ok_or(ReadError::Malformed("a chunk's size"))
}

#[cfg(test)]
mod tests;
