//! Responses written piece by piece, as they are on the wire.

use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pilotlight_local::function::Function;
use serde_json::Value;
use tempfile::TempDir;

use crate::support;
use crate::support::script;
use crate::support::script::Script;
use crate::support::script::Seen;
use crate::support::script::accepted;
use crate::support::script::here;
use crate::support::script::next;
use crate::support::script::status;

/// `tests/fixtures/handlers/streams.c`.
fn streams() -> Function {
    static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, library) = LIBRARY.get_or_init(|| support::fixture_in_c("streams"));
    support::function(library, None)
}

/// Invokes it with this event and has its post answered; the session then ends with 410.
fn streamed(event: &str) -> Seen {
    script::converse(&streams(), here, vec![next(event), accepted(), status("410 Gone")])
}

/// The body of the post that followed, where that was a streamed response.
fn body(seen: &Seen) -> &str {
    let (head, body) = &seen.requests[1];
    assert!(head.starts_with("POST /2018-06-01/runtime/invocation/r1/response "), "{head}");
    assert!(head.contains("\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n"), "{head}");
    body
}

/// The two trailers of a response that broke off after `start`.
fn trailers(seen: &Seen, start: &str) -> (String, Value) {
    let lines = body(seen).strip_prefix(start).expect("what was written before");
    let lines = lines.strip_prefix("0\r\n").and_then(|lines| lines.strip_suffix("\r\n\r\n"));
    let (kind, error) = lines.expect("trailers").split_once("\r\n").expect("two lines");
    let kind = kind.strip_prefix("Lambda-Runtime-Function-Error-Type: ").expect("a category");
    let error = error.strip_prefix("Lambda-Runtime-Function-Error-Body: ").expect("a body");
    let error = STANDARD.decode(error).expect("base64");
    (kind.to_owned(), serde_json::from_slice(&error).expect("JSON"))
}

#[test]
fn every_write_is_a_chunk_and_the_connection_goes_on() {
    let script = vec![next("{\"chunks\":2}"), accepted(), status("410 Gone")];
    let seen = script::converse(&support::example("stream"), here, script);
    let lines = ["d\r\nchunk 1 of 2\n\r\n", "d\r\nchunk 2 of 2\n\r\n", "0\r\n\r\n"];
    assert_eq!(body(&seen), lines.concat());
    let head = &seen.requests[1].0;
    for header in [
        "Content-Type: text/plain",
        "Transfer-Encoding: chunked",
        "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
    ] {
        assert!(head.contains(&format!("\r\n{header}\r\n")), "{head}");
    }
    assert_eq!(seen.connections, 1);
    assert!(seen.requests[2].0.starts_with("GET "));
}

#[test]
fn an_http_front_finds_the_prelude_and_its_end_in_chunks_of_their_own() {
    let prelude = "{\"statusCode\":201,\"cookies\":[\"a=b\"]}";
    let chunks = format!(
        "{:x}\r\n{prelude}\r\n8\r\n\0\0\0\0\0\0\0\0\r\n5\r\npiece\r\n0\r\n\r\n",
        prelude.len()
    );
    let seen = streamed("http");
    assert_eq!(body(&seen), chunks);
    let kind = "\r\nContent-Type: application/vnd.awslambda.http-integration-response\r\n";
    assert!(seen.requests[1].0.contains(kind));
    let event = r#"{"requestContext":{},"queryStringParameters":{"chunks":"1"}}"#;
    let script = vec![next(event), accepted(), status("410 Gone")];
    let seen = script::converse(&support::example("stream"), here, script);
    assert!(body(&seen).contains(r#"{"cookies":[],"headers":{"Content-Type":"text/plain"},"#));
}

#[test]
fn nothing_and_a_last_piece_end_a_response_as_they_should() {
    assert_eq!(body(&streamed("nothing")), "0\r\n\r\n");
    assert_eq!(body(&streamed("rest")), "5\r\npiece\r\n4\r\nrest\r\n0\r\n\r\n");
}

#[test]
fn a_failure_is_posted_before_the_first_piece_and_a_trailer_after_it() {
    let seen = streamed("early");
    let (head, error) = &seen.requests[1];
    assert!(head.starts_with("POST /2018-06-01/runtime/invocation/r1/error "), "{head}");
    assert!(error.contains("before the first piece"), "{error}");
    let (kind, error) = trailers(&streamed("fail"), "5\r\npiece\r\n");
    assert_eq!(kind, "Function.StreamError");
    assert_eq!(error["errorType"], "StreamError");
    assert_eq!(error["errorMessage"], "after the first piece");
}

#[test]
fn an_async_handler_streams_and_breaks_off() {
    let library = support::fixture_crate("asynchronous");
    let mut function = support::function(&library, Some("streaming"));
    // Its library has a hook for the end, which this server knows nothing of.
    function.variables.push(("PILOTLIGHT_SHUTDOWN".into(), "0".into()));
    let script = |event| vec![next(event), accepted(), status("410 Gone")];
    let seen = script::converse(&function, here, script("false"));
    assert_eq!(body(&seen), "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
    let seen = script::converse(&function, here, script("true"));
    let (kind, error) = trailers(&seen, "3\r\none\r\n3\r\ntwo\r\n");
    assert_eq!((kind.as_str(), &error["errorMessage"]), ("Function.Error", &"no three".into()));
}

#[test]
fn a_handler_that_dies_in_the_middle_says_so_in_the_trailers() {
    let script = |event| vec![next(event), accepted()];
    let seen = script::converse(&streams(), here, script("crash"));
    let (kind, error) = trailers(&seen, "5\r\npiece\r\n");
    assert_eq!(kind, "Function.SegmentationFault");
    let message = error["errorMessage"].as_str().expect("text");
    assert!(message.contains("signal 11 (SIGSEGV) at address 0x8"), "{message}");
    assert_eq!(seen.code, None);
    let seen = script::converse(&streams(), here, script("exit"));
    let (kind, error) = trailers(&seen, "5\r\npiece\r\n");
    assert_eq!(kind, "Function.ProcessExit");
    assert_eq!(error["errorMessage"], "the handler ended the process with exit code 3");
    assert_eq!(seen.code, Some(3));
}

#[test]
fn what_cannot_be_said_is_refused() {
    let (_, error) = trailers(&streamed("late"), "5\r\npiece\r\n");
    assert_eq!(error["errorMessage"], "error 22");
    let seen = streamed("header");
    let (head, error) = &seen.requests[1];
    assert!(head.contains("/r1/error ") && error.contains("error 22"), "{head}{error}");
}

#[test]
fn a_refusal_of_a_streamed_response_is_logged_and_the_loop_goes_on() {
    let script = vec![next("rest"), status("413 Too Large"), next("rest"), accepted()];
    let seen = script::converse(&streams(), here, [script, vec![status("410 Gone")]].concat());
    assert!(seen.log.contains("/response was answered 413: {}"), "{}", seen.log);
    assert_eq!(seen.requests[3].1, "5\r\npiece\r\n4\r\nrest\r\n0\r\n\r\n");
}

#[test]
fn a_server_that_closes_after_a_response_is_asked_for_more() {
    let closing = Script { bytes: Vec::new(), piece: 1, close: true };
    let script = vec![next("rest"), closing, status("410 Gone")];
    let seen = script::converse(&streams(), here, script);
    assert!(seen.log.contains("/r1/response: the connection was closed"), "{}", seen.log);
    assert!(seen.requests[2].0.starts_with("GET "));
}

/// Starts the function against a server that `talk` plays; its second argument is the runtime's
/// process. Returns the result of `talk`, the runtime's peak of memory in KiB, and its log.
fn against<T>(function: &Function, talk: impl FnOnce(&TcpListener, u32) -> T) -> (T, u64, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mut child = function
        .command()
        .env_clear()
        .envs(function.environment(&here(port)))
        .stderr(Stdio::piped())
        .spawn()
        .expect("the bootstrap");
    let result = talk(&listener, child.id());
    let peak = support::peak_memory_kib(child.id());
    child.kill().expect("ended");
    let mut log = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut log).expect("UTF-8");
    child.wait().expect("ended");
    (result, peak, log)
}

#[test]
fn a_reader_that_has_gone_is_told_to_the_handler_and_the_loop_goes_on() {
    let ((request, _stream), _, log) = against(&streams(), |listener, _| {
        let mut stream = script::accept(listener);
        script::read_head(&mut stream);
        stream.write_all(&next("gone").bytes).expect("sent");
        script::read_head(&mut stream);
        drop(stream);
        let mut stream = script::accept(listener);
        (script::read_head(&mut stream), stream)
    });
    assert!(request.starts_with("GET /2018-06-01/runtime/invocation/next "), "{request}");
    assert!(
        log.contains("\tWARN\tpilotlight: POST /invocation/r1/response: the reader has gone"),
        "{log}"
    );
}

#[test]
fn a_connection_that_was_closed_before_the_first_piece_is_replaced() {
    let folder = TempDir::new().expect("a folder");
    let gate = folder.path().join("gate");
    let mut function = streams();
    function.variables.push(("PILOTLIGHT_TEST_GATE".into(), gate.display().to_string()));
    let (request, _, log) = against(&function, |listener, _| {
        let mut stream = script::accept(listener);
        script::read_head(&mut stream);
        stream.write_all(&next("gate").bytes).expect("sent");
        drop(stream);
        std::fs::write(&gate, "").expect("opened");
        script::read_request(&mut script::accept(listener))
    });
    assert!(request.0.contains("/invocation/r1/response "), "{}", request.0);
    assert_eq!(request.1, "5\r\npiece\r\n0\r\n\r\n", "{log}");
}

#[test]
fn a_reader_that_refuses_the_rest_says_why() {
    let ((request, _stream), _, log) = against(&streams(), |listener, _| {
        let mut stream = script::accept(listener);
        script::read_head(&mut stream);
        stream.write_all(&next("gone").bytes).expect("sent");
        script::read_head(&mut stream);
        stream.write_all(&status("413 Too Large").bytes).expect("sent");
        drop(stream);
        let mut stream = script::accept(listener);
        (script::read_head(&mut stream), stream)
    });
    assert!(request.starts_with("GET /2018-06-01/runtime/invocation/next "), "{request}");
    assert!(log.contains("/invocation/r1/response was answered 413: {}"), "{log}");
}

#[test]
fn a_slow_reader_slows_the_writer() {
    let ((size, _stream), peak, _) = against(&streams(), |listener, process| {
        let mut stream = script::accept(listener);
        script::read_head(&mut stream);
        stream.write_all(&next("much").bytes).expect("sent");
        script::read_head(&mut stream);
        // A writer that is not held up would send all of it first, and then wait for the answer.
        support::wait_until_asleep(process);
        let (mut size, mut block) = (0, vec![0; 1 << 20]);
        while !block[..size % block.len()].ends_with(b"0\r\n\r\n") {
            let start = size % block.len();
            let read = stream.read(&mut block[start..]).expect("chunks");
            assert_ne!(read, 0, "the response was cut");
            size += read;
        }
        // The runtime is there as long as its connection is.
        (size, stream)
    });
    assert!(size > 64 << 20, "{size} bytes");
    assert!(peak < 4 << 10, "{peak} KiB for 64 MiB that were not read");
}
