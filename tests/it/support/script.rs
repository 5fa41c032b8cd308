//! A server that says exactly what a test tells it to, byte by byte, and the bootstrap against it.

use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::thread;

use pilotlight_local::function::Function;

use crate::support;

/// One answer of the server, and whether it closes the connection after it.
#[derive(Clone)]
pub struct Script {
    pub bytes: Vec<u8>,
    /// Pieces of this size are sent one by one.
    pub piece: usize,
    pub close: bool,
}

pub fn answer(bytes: impl Into<Vec<u8>>) -> Script {
    Script { bytes: bytes.into(), piece: usize::MAX, close: false }
}

/// `/next` with this event, counted; the id is the one that the post must name.
pub fn next(event: &str) -> Script {
    answer(format!(
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r1\r\nContent-Length: {}\r\n\r\n{event}",
        event.len()
    ))
}

pub fn accepted() -> Script {
    answer("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
}

pub fn status(status: &str) -> Script {
    answer(format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}"))
}

/// Requests, exit and log of the bootstrap.
pub struct Seen {
    /// Request lines and bodies, in order.
    pub requests: Vec<(String, String)>,
    pub connections: usize,
    pub code: Option<i32>,
    pub log: String,
}

/// Runs a function against a server that gives these answers, one a request, and then goes away.
pub fn converse(function: &Function, api: impl FnOnce(u16) -> String, script: Vec<Script>) -> Seen {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = thread::spawn(move || serve(&listener, script));
    let mut child = function
        .command()
        .env_clear()
        .envs(function.environment(&api(port)))
        .env("http_proxy", "http://127.0.0.1:9")
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .stderr(Stdio::piped())
        .spawn()
        .expect("the bootstrap");
    let (requests, connections) = server.join().expect("the server");
    let mut log = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut log).expect("UTF-8");
    Seen { requests, connections, code: child.wait().expect("ended").code(), log }
}

pub fn serve(listener: &TcpListener, script: Vec<Script>) -> (Vec<(String, String)>, usize) {
    let mut requests = Vec::new();
    let mut connections = 0;
    let mut current: Option<TcpStream> = None;
    for Script { bytes, piece, close } in script {
        let mut stream = current.take().unwrap_or_else(|| {
            connections += 1;
            accept(listener)
        });
        stream.set_nodelay(true).expect("a socket");
        requests.push(read_request(&mut stream));
        for piece in bytes.chunks(piece.min(bytes.len()).max(1)) {
            stream.write_all(piece).expect("sent");
        }
        current = Some(stream).filter(|_| !close);
    }
    (requests, connections)
}

/// The next connection. A runtime that does not come, or then says nothing, fails the test in time.
pub fn accept(listener: &TcpListener) -> TcpStream {
    // The kernel heeds the time-out for reading where a socket accepts, too.
    let same = TcpStream::from(OwnedFd::from(listener.try_clone().expect("a socket")));
    same.set_read_timeout(Some(support::PATIENCE)).expect("a socket");
    let stream = listener.accept().expect("a connection").0;
    stream.set_read_timeout(Some(support::PATIENCE)).expect("a socket");
    stream
}

/// The head and the body; of a chunked body, everything as it was sent.
pub fn read_request(stream: &mut TcpStream) -> (String, String) {
    let head = read_head(stream);
    if head.contains("\r\nTransfer-Encoding: chunked\r\n") {
        let mut body = String::new();
        loop {
            let line = read_until(stream, "\r\n");
            let size = usize::from_str_radix(line.trim_end(), 16).expect("a chunk's size");
            body += &line;
            if size == 0 {
                break;
            }
            body += &read_bytes(stream, size + 2);
        }
        while !body.ends_with("\r\n\r\n") {
            body += &read_until(stream, "\r\n");
        }
        return (head, body);
    }
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("Content-Length"));
    let length = length.map_or(0, |(_, length)| length.parse().expect("a number"));
    let body = read_bytes(stream, length);
    (head, body)
}

/// A request's line and headers.
pub fn read_head(stream: &mut TcpStream) -> String {
    read_until(stream, "\r\n\r\n")
}

fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end.as_bytes()) {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a request");
        bytes.push(byte[0]);
    }
    String::from_utf8(bytes).expect("UTF-8")
}

fn read_bytes(stream: &mut TcpStream, length: usize) -> String {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).expect("a body");
    String::from_utf8(bytes).expect("UTF-8")
}

pub fn here(port: u16) -> String {
    format!("127.0.0.1:{port}")
}
