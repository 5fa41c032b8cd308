//! Requests to the local Lambda, whatever they are: each connection is served to its end, and what was
//! not signed is not taken.

#![no_main]

use std::io::Read as _;
use std::io::Write as _;
use std::net::Shutdown;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::LazyLock;
use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use pilotlight_local::clock::Clock;
use pilotlight_local::http::Connection;
use pilotlight_local::lambda::Credentials;
use pilotlight_local::lambda::Lambda;

static SOCKET: LazyLock<TcpListener> =
    LazyLock::new(|| TcpListener::bind("127.0.0.1:0").expect("a port"));

static LAMBDA: LazyLock<Lambda> = LazyLock::new(|| {
    let credentials = Credentials { key: "AKIDEXAMPLE".into(), secret: "secret".into() };
    Lambda::new(Vec::new(), Some(credentials), Clock::default(), Instant::now())
});

fuzz_target!(|input: &[u8]| {
    let mut client =
        TcpStream::connect(SOCKET.local_addr().expect("an address")).expect("connected");
    let (served, _) = SOCKET.accept().expect("accepted");
    // All of it fits what the kernel holds, and so do the answers.
    client.write_all(input).expect("sent");
    client.shutdown(Shutdown::Write).expect("ended");
    LAMBDA.serve(Connection::new(served).expect("a connection"));
    let mut answers = Vec::new();
    // The server may close before it has read everything, which resets the connection.
    let _ = client.read_to_end(&mut answers);
    if input.starts_with(b"POST /2015-03-31/functions/f/invocations HTTP/1.1\r\n")
        && !answers.is_empty()
    {
        // There is no function; but only those who sign are told so.
        let told = [&b"HTTP/1.1 2"[..], b"HTTP/1.1 404"];
        assert!(!told.iter().any(|start| answers.starts_with(start)), "served without a signature");
    }
});
