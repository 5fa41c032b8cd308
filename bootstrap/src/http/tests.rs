use super::*;
use alloc::vec;

/// Delivers `bytes` in pieces of at most `piece`, then closes.
struct Pieces<'a> {
    bytes: &'a [u8],
    piece: usize,
}

impl Receive for Pieces<'_> {
    fn receive(&mut self, buffer: &mut Vec<u8>) -> Result<usize, Errno> {
        let spare = buffer.capacity() - buffer.len();
        let size = self.piece.min(self.bytes.len()).min(spare);
        let (now, later) = self.bytes.split_at(size);
        buffer.extend_from_slice(now);
        self.bytes = later;
        Ok(size)
    }
}

fn read(bytes: &[u8], piece: usize) -> Result<(Response, Vec<u8>), ReadError> {
    let mut buffer = Vec::new();
    let response = read_response(&mut Pieces { bytes, piece }, &mut buffer)?;
    let body = buffer[response.body.clone()].to_vec();
    Ok((response, body))
}

fn body_in_every_piece(bytes: &[u8]) -> Vec<u8> {
    let whole = read(bytes, usize::MAX).expect("whole").1;
    for piece in 1..bytes.len() {
        assert_eq!(read(bytes, piece).expect("in pieces").1, whole, "pieces of {piece}");
    }
    whole
}

#[test]
fn bodies_are_read_in_any_framing_and_cut_anywhere() {
    let counted = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\n\r\nhello";
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n\
        1;x=y\r\nh\r\n3\r\nell\r\n01\r\no\r\n0\r\nTrailer: t\r\n\r\n";
    let closed = b"HTTP/1.0 200 OK\r\n\r\nhello";
    let interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    for bytes in [&counted[..], chunked, closed, interim] {
        assert_eq!(body_in_every_piece(bytes), b"hello");
    }
    assert_eq!(body_in_every_piece(b"HTTP/1.1 204 No\r\n\r\n"), b"");
}

#[test]
fn chunks_may_hold_line_ends() {
    let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n2\r\nab\r\n0\r\n\r\n";
    assert_eq!(body_in_every_piece(bytes), b"\r\n\r\nab");
}

#[test]
fn a_response_that_ends_early_is_cut_and_never_whole() {
    let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    assert_eq!(read(b"", 1).expect_err("empty"), ReadError::Closed);
    for end in 1..bytes.len() {
        assert_eq!(read(&bytes[..end], 7).expect_err("cut"), ReadError::Cut, "at {end}");
    }
}

#[test]
fn nonsense_is_named() {
    let malformed = |bytes: &[u8]| match read(bytes, 9) {
        Err(ReadError::Malformed(part)) => part,
        other => panic!("{other:?}"),
    };
    assert_eq!(malformed(b"SSH-2.0\r\n\r\n"), "the status line");
    assert_eq!(malformed(b"HTTP/1.1 2x0\r\n\r\n"), "the status line");
    assert_eq!(malformed(b"HTTP/1.1 200\r\nContent-Length: -1\r\n\r\n"), "Content-Length");
    let chunked = b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(malformed(&[chunked, &b"+1\r\na\r\n"[..]].concat()), "a chunk's size");
    assert_eq!(malformed(&[chunked, &b"1\r\nab\n"[..]].concat()), "a chunk longer than its size");
    let padded = [chunked, &b"1\r\na  \r\n0\r\n\r\n"[..]].concat();
    for piece in [1, 3, 99] {
        assert!(matches!(read(&padded, piece), Err(ReadError::Malformed(_))));
    }
    let huge = b"HTTP/1.1 200\r\nContent-Length: 18446744073709551615\r\n\r\n";
    let (response, body) = read(huge, 9).expect("its head");
    assert!(response.unread.is_some() && !response.keep_alive && body.is_empty());
}

#[test]
fn headers_keep_their_order_and_lose_their_space() {
    let head = b"A:1\r\nb :  2 \r\nno colon\r\nC:\r\n\r\n";
    let found: Vec<_> = headers(head).collect();
    let expected: Vec<(&[u8], &[u8])> = vec![(b"A", b"1"), (b"b", b"2"), (b"C", b"")];
    assert_eq!(found, expected);
}

#[test]
fn keep_alive_follows_version_and_header() {
    let keeps = |bytes: &[u8]| read(bytes, 99).expect("sound").0.keep_alive;
    assert!(keeps(b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"));
    assert!(!keeps(b"HTTP/1.1 200\r\nContent-Length: 0\r\nConnection: Close\r\n\r\n"));
    assert!(!keeps(b"HTTP/1.0 200\r\nContent-Length: 0\r\n\r\n"));
    assert!(!keeps(b"HTTP/1.1 200\r\n\r\nup to its end"));
}
