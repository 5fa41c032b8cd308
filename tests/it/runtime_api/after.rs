//! The function that runs after each invocation: when the response has been posted, and before the
//! next invocation is asked for.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Stdio;
use std::sync::OnceLock;

use pilotlight_local::function::Function;
use tempfile::TempDir;

use crate::support;
use crate::support::script;
use crate::support::script::accepted;
use crate::support::script::here;
use crate::support::script::next;
use crate::support::script::status;

/// `tests/fixtures/handlers/after.c`.
fn after() -> Function {
    static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, library) = LIBRARY.get_or_init(|| support::fixture_in_c("after"));
    support::function(library, None)
}

/// Starts a runtime with this concurrency. Its standard output is a pipe.
fn start(listener: &TcpListener, concurrency: &str, gate: &Path) -> Child {
    let port = listener.local_addr().expect("an address").port();
    let function = after();
    let mut command = function.command();
    command.env_clear().envs(function.environment(&here(port)));
    command.env("AWS_LAMBDA_MAX_CONCURRENCY", concurrency).env("PILOTLIGHT_TEST_GATE", gate);
    command.stdout(Stdio::piped()).spawn().expect("the bootstrap")
}

/// Ends a runtime without a chance to write anything, and returns its standard output.
fn killed(mut child: Child) -> String {
    child.kill().expect("ended");
    let mut output = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut output).expect("UTF-8");
    child.wait().expect("ended");
    output
}

fn expect_next(worker: &mut TcpStream) {
    let head = script::read_head(worker);
    assert!(head.starts_with("GET /2018-06-01/runtime/invocation/next "), "{head}");
}

#[test]
fn it_runs_between_the_response_and_the_next_request() {
    let folder = TempDir::new().expect("a folder");
    let gate = folder.path().join("gate");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let child = start(&listener, "1", &gate);
    let mut worker = script::accept(&listener);
    expect_next(&mut worker);
    worker.write_all(&next("\"gate\"").bytes).expect("sent");
    let (_, body) = script::read_request(&mut worker);
    assert_eq!(body, "0 calls, last none");
    worker.write_all(&accepted().bytes).expect("sent");
    support::wait_until_asleep(child.id());
    worker.set_nonblocking(true).expect("a socket");
    let early = worker.read(&mut [0]).expect_err("a request before the function has returned");
    assert_eq!(early.kind(), ErrorKind::WouldBlock);
    worker.set_nonblocking(false).expect("a socket");
    fs::write(&gate, "").expect("written");
    expect_next(&mut worker);
    // 22 and 32 are EINVAL and EPIPE: the response has ended.
    assert_eq!(killed(child), "after r1: 1 released, errors 22 32\n");
}

#[test]
fn it_runs_once_for_each_invocation_that_reached_a_handler() {
    let events = ["1", "{\"warmer\":true}", "\"fail\"", "2"];
    let mut script: Vec<_> = events.iter().flat_map(|event| [next(event), accepted()]).collect();
    script.push(status("410 Gone"));
    let seen = script::converse(&after(), here, script);
    let bodies: Vec<&str> = seen.requests.iter().map(|(_, body)| body.as_str()).collect();
    assert_eq!(bodies[1], "0 calls, last none");
    assert!(bodies[5].contains("\"errorType\":\"Error\""), "{bodies:?}");
    assert_eq!(bodies[7], "2 calls, last r1", "{bodies:?}");
}

#[test]
fn it_runs_on_every_worker() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let child = start(&listener, "2", Path::new("/"));
    let mut workers = [script::accept(&listener), script::accept(&listener)];
    workers.iter_mut().for_each(expect_next);
    for (worker, id) in workers.iter_mut().zip(["a", "b"]) {
        let head = format!("HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: {id}\r\n");
        worker.write_all(format!("{head}Content-Length: 1\r\n\r\n1").as_bytes()).expect("sent");
        script::read_request(worker);
        worker.write_all(&accepted().bytes).expect("sent");
        expect_next(worker);
    }
    let output = killed(child);
    let found: BTreeSet<&str> = output.lines().collect();
    let expected = ["after a: 1 released, errors 22 32", "after b: 2 released, errors 22 32"];
    assert_eq!(found, BTreeSet::from(expected));
}

#[test]
fn its_death_is_logged_and_not_reported_to_the_caller() {
    let seen = script::converse(&after(), here, vec![next("\"crash\""), accepted()]);
    let lines: Vec<&str> =
        seen.requests.iter().filter_map(|(head, _)| head.lines().next()).collect();
    assert_eq!(lines[1..], ["POST /2018-06-01/runtime/invocation/r1/response HTTP/1.1"]);
    assert!(seen.log.contains("\tr1\tERROR\t"), "{}", seen.log);
    assert!(seen.log.contains("signal 11 (SIGSEGV) at address 0x8"), "{}", seen.log);
}

/// In Rust, an `async fn` with the context.
#[test]
fn its_error_and_its_panic_are_logged_and_change_no_response() {
    let library = support::fixture_crate("hooks");
    for (variable, record) in
        [("FAIL", "Unwilling: after fails"), ("PANIC", "Panic: panicked at tests/fixtures/hooks/")]
    {
        let mut function = support::function(&library, None);
        function.variables.push((variable.into(), "after".into()));
        let script = [next("\"\""), accepted(), next("\"\""), accepted(), status("410 Gone")];
        let seen = script::converse(&function, here, script.to_vec());
        assert_eq!(seen.requests[1].1, "\"init run\"");
        assert_eq!(seen.requests[3].1, "\"init run after(r1) run\"");
        let records = seen.log.matches(&format!("\tr1\tERROR\t{record}")).count();
        assert_eq!(records, 2, "{}", seen.log);
    }
}
