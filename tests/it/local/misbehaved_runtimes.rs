//! The local Runtime API: requests that a well-behaved runtime never sends.

use std::io::Read as _;
use std::io::Write as _;
use std::net::Shutdown;
use std::net::TcpStream;

use pilotlight_local::runtime_api::Invocation;
use pilotlight_local::runtime_api::Outcome;
use pilotlight_local::runtime_api::RuntimeApi;

use crate::support;

/// A server with one queued invocation.
fn server() -> RuntimeApi {
    let api = RuntimeApi::start(1).expect("a server");
    let invocation = Invocation {
        request_id: "r1".to_owned(),
        attempt_id: "a1".to_owned(),
        event: b"{}".to_vec(),
        ..Invocation::default()
    };
    api.shared().change(|session| session.enqueue(invocation));
    api
}

/// Sends a request on a new connection, and reads the answer.
fn ask(api: &RuntimeApi, request: &str) -> String {
    let mut stream = TcpStream::connect(api.address()).expect("connected");
    stream.set_read_timeout(Some(support::PATIENCE)).expect("a socket");
    stream.write_all(request.as_bytes()).expect("sent");
    stream.shutdown(Shutdown::Write).expect("ended");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("UTF-8");
    answer
}

fn get(api: &RuntimeApi, path: &str, header: &str) -> String {
    ask(api, &format!("GET {path} HTTP/1.1\r\n{header}\r\n\r\n"))
}

fn post(api: &RuntimeApi, path: &str, header: &str, body: &str) -> String {
    let length = body.len();
    ask(api, &format!("POST {path} HTTP/1.1\r\n{header}\r\nContent-Length: {length}\r\n\r\n{body}"))
}

const NEXT: &str = "/2018-06-01/runtime/invocation/next";
const RESPONSE: &str = "/2018-06-01/runtime/invocation/r1/response";

#[test]
fn an_answer_names_its_attempt_and_its_mode_or_is_refused() {
    let api = server();
    let next = get(&api, NEXT, "X: y");
    assert!(next.contains("\r\nLambda-Runtime-Invocation-Id: a1\r\n"), "{next}");
    let mode = post(&api, RESPONSE, "Lambda-Runtime-Function-Response-Mode: Streaming", "x");
    assert!(mode.starts_with("HTTP/1.1 400 "), "{mode}");
    assert!(mode.contains("\"errorType\":\"InvalidFunctionResponseMode\""), "{mode}");
    let attempt = post(&api, RESPONSE, "Lambda-Runtime-Invocation-Id: a2", "x");
    assert!(attempt.contains("\"errorType\":\"InvalidInvocationId\""), "{attempt}");
    let right = post(&api, RESPONSE, "Lambda-Runtime-Invocation-Id: a1", "x");
    assert!(right.starts_with("HTTP/1.1 202 "), "{right}");
    let again = post(&api, RESPONSE, "Lambda-Runtime-Invocation-Id: a1", "x");
    assert!(again.starts_with("HTTP/1.1 403 "), "{again}");
    assert_eq!(get(&api, "/2018-06-01/ping", "X: y").rsplit("\r\n").next(), Some("pong"));
    assert!(post(&api, NEXT, "X: y", "").starts_with("HTTP/1.1 405 "));
}

#[test]
fn a_response_that_breaks_off_is_an_error() {
    let api = server();
    get(&api, NEXT, "X: y");
    let head = "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked";
    let answer = ask(&api, &format!("POST {RESPONSE} HTTP/1.1\r\n{head}\r\n\r\n5\r\npiece\r\n"));
    assert_eq!(answer, "");
    let ended = api.shared().wait_for(support::PATIENCE, |session| session.take_ended("r1"));
    assert_eq!(ended.expect("ended").outcome, Outcome::Truncated);
}

#[test]
fn internal_extensions_register_without_events_and_before_the_first_next() {
    let api = server();
    let register = |events: &str| {
        let body = format!("{{\"events\":[{events}]}}");
        post(&api, "/2020-01-01/extension/register", "Lambda-Extension-Name: own", &body)
    };
    let refused = register("\"SHUTDOWN\"");
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
    assert!(
        refused.contains("SHUTDOWN: ShutdownEventNotSupportedForInternalExtension"),
        "{refused}"
    );
    let registered = register("");
    assert!(registered.contains("\r\nLambda-Extension-Identifier: "), "{registered}");
    let unknown = get(&api, "/2020-01-01/extension/event/next", "Lambda-Extension-Identifier: x");
    assert!(unknown.contains("Extension.UnknownExtensionIdentifier"), "{unknown}");
    get(&api, NEXT, "X: y");
    // The extension has not asked for an event yet.
    assert_eq!(api.shared().session().init(), None);
    assert!(register("").starts_with("HTTP/1.1 403 "));
}

#[test]
fn the_availability_zone_is_told_to_those_with_the_token() {
    let api = server();
    let token = api.shared().metadata_token();
    let ask = |header: &str| get(&api, "/2026-01-15/metadata/execution-environment", header);
    for header in ["X: y", "Authorization: Bearer guess", &format!("Authorization: {token}")] {
        assert!(ask(header).starts_with("HTTP/1.1 401 "), "{header}");
    }
    let answer = ask(&format!("Authorization: Bearer {token}"));
    assert!(answer.ends_with("{\"AvailabilityZoneID\":\"use1-az1\"}"), "{answer}");
}

#[test]
fn web_pages_are_refused() {
    let api = server();
    for header in
        ["Origin: http://attacker.example", "Sec-Fetch-Site: cross-site", "Host: attacker.example"]
    {
        let answer = get(&api, NEXT, header);
        assert!(answer.starts_with("HTTP/1.1 403 "), "{header}: {answer}");
        assert!(answer.contains("not for web pages"), "{answer}");
        let answer = post(&api, "/2018-06-01/runtime/init/error", header, "{}");
        assert!(answer.starts_with("HTTP/1.1 403 "), "{header}: {answer}");
    }
    assert_eq!(api.shared().session().init(), None);
    let host = format!("Host: {}", api.address());
    assert!(get(&api, NEXT, &host).starts_with("HTTP/1.1 200 "));
}

#[test]
fn a_streamed_response_that_is_too_long_is_told_its_own_limit() {
    const LIMIT: usize = 200 << 20;
    let api = server();
    get(&api, NEXT, "X: y");
    let head = format!(
        "POST {RESPONSE} HTTP/1.1\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n\
         Content-Length: {}\r\n\r\n",
        LIMIT + 1
    );
    let mut stream = TcpStream::connect(api.address()).expect("connected");
    stream.write_all(head.as_bytes()).expect("sent");
    let piece = vec![b'x'; 1 << 20];
    (0..200).for_each(|_| stream.write_all(&piece).expect("sent"));
    stream.write_all(b"x").expect("sent");
    stream.shutdown(Shutdown::Write).expect("ended");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("UTF-8");
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("payload size (209715200 bytes)"), "{answer}");
    let ended = api.shared().session().take_ended("r1").expect("ended");
    assert_eq!(ended.outcome, Outcome::TooLarge(LIMIT));
}

#[test]
fn a_request_with_two_lengths_or_endless_trailers_is_not_answered() {
    let api = server();
    get(&api, NEXT, "X: y");
    let two = post(&api, RESPONSE, "Content-Length: 3", "x");
    assert_eq!(two, "");
    let mut stream = TcpStream::connect(api.address()).expect("connected");
    let head = format!("POST {RESPONSE} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    let line = format!("X-More: {}\r\n", "x".repeat(8000));
    let ended = (0..16_000).any(|_| stream.write_all(line.as_bytes()).is_err());
    assert!(ended, "128 MB of trailers are not taken");
}
