//! Requests to the local Lambda, whatever they are: each connection is served to its end, and what
//! was not signed is not taken.

#![no_main]

use std::io::Read as _;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::net::Shutdown;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pilotlight_local::clock::Clock;
use pilotlight_local::lambda::Access;
use pilotlight_local::lambda::Credentials;
use pilotlight_local::lambda::Lambda;
use pilotlight_local::placement::Timeline;
use pilotlight_local::server::Server;

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut server = Server::listen(address).expect("a port");
    let credentials = Credentials { key: "AKIDEXAMPLE".into(), secret: "secret".into() };
    let access = Access::new(address.ip(), &[], Some(credentials));
    let (clock, timeline) = (Clock::default(), Timeline::start());
    let lambda = Lambda::new(Vec::new(), access, clock, timeline, server.handle());
    server.serve(Arc::new(lambda), 16);
    server
});

fuzz_target!(|input: &[u8]| {
    let mut client = TcpStream::connect(SERVER.address()).expect("connected");
    // The server may close before it has read everything, which resets the connection.
    let _ = client.write_all(input).and_then(|()| client.shutdown(Shutdown::Write));
    let mut answers = Vec::new();
    let _ = client.read_to_end(&mut answers);
    if input.starts_with(b"POST /2015-03-31/functions/f/invocations HTTP/1.1\r\n")
        && !answers.is_empty()
    {
        // There is no function; but only those who sign are told so.
        let told = [&b"HTTP/1.1 2"[..], b"HTTP/1.1 404"];
        assert!(!told.iter().any(|start| answers.starts_with(start)), "served without a signature");
    }
});
