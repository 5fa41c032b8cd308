//! Function URLs: requests become events, and streamed answers are passed on.

use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpStream;

use crate::support;
use crate::support::served::Served;
use crate::support::served::example;

#[test]
fn a_request_becomes_an_event_of_format_2() {
    let served = Served::start(&[&example("echo")], &[]);
    let headers = [("Cookie", "a=1; b=2"), ("Content-Type", "application/json"), ("X-One", "1")];
    let event = served.post("/lambda-url/echo/a%20b/c?x=1&x=2&y=%C3%A4+z", b"{}", &headers).json();
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["rawPath"], "/a%20b/c");
    assert_eq!(event["rawQueryString"], "x=1&x=2&y=%C3%A4+z");
    assert_eq!(event["queryStringParameters"], serde_json::json!({ "x": "1,2", "y": "ä z" }));
    assert_eq!(event["cookies"], serde_json::json!(["a=1", "b=2"]));
    assert_eq!(event["headers"]["x-one"], "1");
    assert_eq!(event["requestContext"]["http"]["method"], "POST");
    assert_eq!(event["requestContext"]["http"]["sourceIp"], "127.0.0.1");
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&"{}".into(), &false.into()));
    let time = event["requestContext"]["time"].as_str().expect("text");
    assert!(time.ends_with(" +0000") && time.len() == "21/Nov/2026:03:28:34 +0000".len(), "{time}");
    let binary = served.post("/lambda-url/echo/", b"\xff\x00", &[("Content-Type", "image/png")]);
    assert_eq!(binary.json()["body"], "/wA=");
    assert_eq!(binary.json()["isBase64Encoded"], true);
    assert_eq!(binary.header("content-type"), "application/json");
    // The function has its own host name, too.
    let mut stream =
        TcpStream::connect(served.url.trim_start_matches("http://")).expect("a server");
    stream.write_all(b"GET /p HTTP/1.0\r\nHost: echo.localhost\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("UTF-8");
    assert!(answer.contains("\"rawPath\":\"/p\""), "{answer}");
}

#[test]
fn an_answer_may_describe_status_headers_and_cookies() {
    let (_folder, library) = support::fixture_in_c("describes");
    let served = Served::start(&[&library, &example("hello")], &[]);
    let answer = served.get("/lambda-url/describes/");
    assert_eq!(answer.status, 418);
    assert_eq!(answer.header("content-type"), "text/plain");
    assert_eq!(answer.header("set-cookie"), "a=1");
    assert_eq!(answer.header("x-number"), "7");
    assert_eq!(answer.body, b"\x00\xff");
    // The handler expects a name, which the event of an HTTP request does not have.
    let failed = served.post("/lambda-url/hello/", b"", &[]);
    assert_eq!((failed.status, failed.text()), (502, "Internal Server Error"));
    assert_eq!(served.get("/lambda-url/nothing/").status, 404);
}

#[test]
fn an_answer_comes_when_the_environment_is_free_again() {
    let served = Served::start(&[&example("echo")], &[]);
    for _ in 0..200 {
        assert_eq!(served.get("/lambda-url/echo/").status, 200);
    }
    assert_eq!(served.function("echo")["totals"]["cold"], 1);
    let unknown = served.post("/nothing", b"a body", &[]);
    assert_eq!(unknown.header("x-amzn-errortype"), "UnknownOperationException");
}

/// The first piece is read before the handler has written the next one.
#[test]
fn a_streamed_answer_is_there_while_it_is_made() {
    let (folder, library) = support::fixture_in_c("describes");
    let served = Served::start(&[&library, &example("stream")], &["--timeout", "60"]);
    let whole = served.get("/lambda-url/stream/?chunks=3");
    assert_eq!(whole.text(), "chunk 1 of 3\nchunk 2 of 3\nchunk 3 of 3\n");
    assert_eq!(whole.header("content-type"), "text/plain");
    assert_eq!(whole.header("transfer-encoding"), "chunked");

    let address = served.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("a server");
    stream.set_read_timeout(Some(support::PATIENCE)).expect("a socket");
    // In its private /tmp, the function sees the folder of its library.
    let gate = folder.path().join("gate");
    let request =
        format!("GET /lambda-url/describes{} HTTP/1.1\r\nHost: localhost\r\n\r\n", gate.display());
    stream.write_all(request.as_bytes()).expect("sent");
    let mut received = Vec::new();
    let mut bytes = [0; 4096];
    while !received.ends_with(b"first\r\n") {
        let read = stream.read(&mut bytes).expect("a piece");
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&received));
        received.extend_from_slice(&bytes[..read]);
    }
    std::fs::write(&gate, "").expect("opened");
    while !received.ends_with(b"0\r\n\r\n") {
        let read = stream.read(&mut bytes).expect("the rest");
        assert_ne!(read, 0);
        received.extend_from_slice(&bytes[..read]);
    }
    let received = String::from_utf8(received).expect("UTF-8");
    assert!(received.starts_with("HTTP/1.1 201 Created\r\n"), "{received}");
    assert!(received.contains("5\r\nfirst\r\n4\r\nlast\r\n0\r\n\r\n"), "{received}");
}
