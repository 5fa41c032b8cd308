//! Several invocations at once, each on a worker with a connection of its own.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Stdio;
use std::sync::OnceLock;
use std::thread;

use tempfile::TempDir;

use crate::support;
use crate::support::script;
use crate::support::script::here;
use crate::support::served::Served;

/// `tests/fixtures/handlers/concurrent.c`.
fn concurrent() -> &'static Path {
    static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    &LIBRARY.get_or_init(|| support::fixture_in_c("concurrent")).1
}

/// A runtime and the listener that it comes to.
struct Runtime {
    child: Child,
    listener: TcpListener,
}

impl Runtime {
    fn start(library: &Path, concurrency: &str, level: &str) -> Runtime {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let function = support::function(library, None);
        let child = function
            .command()
            .env_clear()
            .envs(function.environment(&here(port)))
            .env("AWS_LAMBDA_MAX_CONCURRENCY", concurrency)
            .env("AWS_LAMBDA_LOG_LEVEL", level)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the bootstrap");
        Runtime { child, listener }
    }

    /// Waits for the next worker to ask for work.
    fn worker(&self) -> TcpStream {
        let mut stream = script::accept(&self.listener);
        assert!(script::read_head(&mut stream).starts_with("GET /2018-06-01/"));
        stream
    }

    /// Ends it, and returns its log.
    fn end(mut self) -> String {
        self.child.kill().expect("ended");
        let output = self.child.wait_with_output().expect("ended");
        String::from_utf8(output.stderr).expect("UTF-8")
    }
}

/// Gives a worker an invocation, whose trace id is made of the request's.
fn invoke(worker: &mut TcpStream, request: &str, event: &str) {
    let answer = format!(
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: {request}\r\n\
         Lambda-Runtime-Trace-Id: trace-{request}\r\nContent-Length: {}\r\n\r\n{event}",
        event.len()
    );
    worker.write_all(answer.as_bytes()).expect("sent");
}

/// Accepts and returns its post, and checks that it asks for more.
fn posted(worker: &mut TcpStream) -> (String, String) {
    let request = script::read_request(worker);
    worker.write_all(&script::accepted().bytes).expect("sent");
    assert!(script::read_head(worker).starts_with("GET /2018-06-01/"));
    request
}

#[test]
fn as_many_run_at_once_as_the_function_allows() {
    let runtime = Runtime::start(concurrent(), "3", "INFO");
    let mut workers: Vec<TcpStream> = (0..3).map(|_| runtime.worker()).collect();
    for (worker, request) in workers.iter_mut().zip(["a", "b", "c"]) {
        invoke(worker, request, "\"meet\"");
    }
    let mut answers = BTreeMap::new();
    for worker in &mut workers {
        let (head, body) = posted(worker);
        let path = head.split(' ').nth(1).expect("a path").to_owned();
        answers.insert(path, body);
    }
    let expected = ["a", "b", "c"].map(|id| {
        (format!("/2018-06-01/runtime/invocation/{id}/response"), format!("trace-{id} none"))
    });
    assert_eq!(answers, BTreeMap::from(expected));
    assert_eq!(runtime.end(), "");
}

#[test]
fn a_failed_invocation_leaves_the_others_running() {
    let mut runtime = Runtime::start(concurrent(), "3", "DEBUG");
    let [mut first, mut second, mut third] = [(); 3].map(|()| runtime.worker());
    invoke(&mut first, "a", "\"meet\"");
    invoke(&mut second, "b", "\"meet\"");
    let log = BufReader::new(runtime.child.stderr.as_mut().expect("a pipe"));
    assert!(log.lines().take(2).all(|line| line.expect("UTF-8").ends_with("\tDEBUG\there")));
    // Both are in the handler now, and wait for a third.
    invoke(&mut third, "c", "\"fail\"");
    assert!(posted(&mut third).0.contains("/invocation/c/error "));
    invoke(&mut third, "d", "\"meet\"");
    for (worker, answer) in
        [(first, "trace-a none"), (second, "trace-b none"), (third, "trace-d none")]
    {
        let mut worker = worker;
        assert_eq!(posted(&mut worker).1, answer);
    }
}

#[test]
fn a_crash_is_reported_to_every_invocation_in_flight() {
    let mut runtime = Runtime::start(concurrent(), "3", "DEBUG");
    let mut workers: Vec<TcpStream> = (0..3).map(|_| runtime.worker()).collect();
    invoke(&mut workers[0], "a", "\"meet\"");
    let mut line = String::new();
    let log = runtime.child.stderr.as_mut().expect("a pipe");
    BufReader::new(log).read_line(&mut line).expect("UTF-8");
    assert!(line.ends_with("\ta\tDEBUG\there\n"), "{line}");
    invoke(&mut workers[1], "b", "\"crash\"");
    let mut reported = Vec::new();
    for _ in 0..2 {
        let mut stream = script::accept(&runtime.listener);
        let (head, body) = script::read_request(&mut stream);
        stream.write_all(&script::accepted().bytes).expect("sent");
        assert!(body.contains("\"errorType\":\"SegmentationFault\""), "{body}");
        reported.push(head.split('/').nth(4).expect("an id").to_owned());
    }
    // The one that died comes first.
    assert_eq!(reported, ["b", "a"]);
    assert_eq!(runtime.child.wait().expect("ended").code(), None);
}

/// With several invocations in flight, a thread of the handler's own belongs to none that is known.
#[test]
fn a_record_of_another_thread_names_no_request() {
    let (_folder, library) = support::fixture_in_c("logs");
    let runtime = Runtime::start(&library, "2", "INFO");
    let [mut first, mut second] = [(); 2].map(|()| runtime.worker());
    for (worker, request) in [(&mut first, "a"), (&mut second, "b")] {
        invoke(worker, request, "thread");
        assert!(posted(worker).0.contains("/response "));
    }
    let log = runtime.end();
    assert_eq!(log.matches("\t-\tINFO\ton a thread: x\n").count(), 2, "{log}");
}

#[test]
fn an_api_that_fails_one_worker_is_told_of_the_others() {
    let mut runtime = Runtime::start(concurrent(), "2", "DEBUG");
    let (mut first, mut second) = (runtime.worker(), runtime.worker());
    invoke(&mut first, "a", "\"meet\"");
    let mut line = String::new();
    let log = runtime.child.stderr.as_mut().expect("a pipe");
    BufReader::new(log).read_line(&mut line).expect("UTF-8");
    invoke(&mut second, "b", "x");
    script::read_request(&mut second);
    second.write_all(&script::status("500 Oh").bytes).expect("sent");
    let mut stream = runtime.listener.accept().expect("a report").0;
    let (head, body) = script::read_request(&mut stream);
    stream.write_all(&script::accepted().bytes).expect("sent");
    assert!(head.starts_with("POST /2018-06-01/runtime/invocation/a/error "), "{head}");
    assert!(body.contains("the runtime ended the process with exit code 11"), "{body}");
    assert_eq!(runtime.child.wait().expect("ended").code(), Some(11));
}

#[test]
fn one_at_a_time_is_as_if_nothing_were_said() {
    for concurrency in ["1", ""] {
        let runtime = Runtime::start(concurrent(), concurrency, "INFO");
        let mut worker = runtime.worker();
        invoke(&mut worker, "a", "x");
        assert_eq!(posted(&mut worker).1, "trace-a trace-a");
        assert_eq!(runtime.end(), "", "{concurrency}");
    }
    // `sizes` answers a number with that number of bytes, and does not claim to be thread-safe.
    let (_folder, sizes) = support::fixture_in_c("sizes");
    for (library, concurrency, why) in [
        (sizes.as_path(), "4", "the handler is not declared thread-safe"),
        (concurrent(), "0", "it must be a positive number"),
        (concurrent(), "many", "it must be a positive number"),
    ] {
        let runtime = Runtime::start(library, concurrency, "INFO");
        let mut worker = runtime.worker();
        invoke(&mut worker, "a", "1");
        assert!(posted(&mut worker).0.contains("/invocation/a/response "));
        let log = runtime.end();
        let line = format!(
            "\t-\tWARN\tpilotlight: AWS_LAMBDA_MAX_CONCURRENCY is {concurrency}, but {why}: one invocation at a time\n"
        );
        assert!(log.ends_with(&line), "{log}");
        assert_eq!(log.lines().count(), 1, "{log}");
    }
}

#[test]
fn the_local_lambda_runs_as_many_in_one_environment() {
    let served = Served::start(&[concurrent()], &["--max-concurrency", "3"]);
    // One environment is there before the others come, as a Managed Instance's is.
    assert_eq!(served.invoke("concurrent", "1").status, 200);
    let met: Vec<u16> = thread::scope(|scope| {
        let invoke = || served.invoke("concurrent", "\"meet\"").status;
        let running: Vec<_> = (0..3).map(|_| scope.spawn(invoke)).collect();
        running.into_iter().map(|thread| thread.join().expect("answered")).collect()
    });
    assert_eq!(met, [200; 3]);
    let environments = served.function("concurrent")["environments"].as_array().map(Vec::len);
    assert_eq!(environments, Some(1));
}
