//! The server that clients talk to, asked for what no well-behaved client sends.

mod limits;
mod sites;

use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpStream;

use crate::support;
use crate::support::served::Served;

/// A connection to it.
fn connect(served: &Served) -> TcpStream {
    let stream = TcpStream::connect(served.authority()).expect("connected");
    stream.set_read_timeout(Some(support::PATIENCE)).expect("a socket");
    stream
}

/// All that is answered to these bytes, until the server ends the connection.
fn ask(served: &Served, request: &str) -> String {
    let mut stream = connect(served);
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server ends the connection");
    String::from_utf8(answer).expect("UTF-8")
}

/// The answer to a request with these header lines and no other, as its status and its body.
fn status_and_body(served: &Served, request: &str, headers: &[&str], body: &str) -> (u16, String) {
    let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    let request = format!(
        "{request} HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    let answer = ask(served, &request);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("a head: {answer}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("a status: {head}")), body.to_owned())
}
