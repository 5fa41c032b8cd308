//! The end of the execution environment: an extension for functions with a shutdown hook or
//! `PILOTLIGHT_SHUTDOWN=1`, none otherwise.

use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::OnceLock;

use pilotlight_local::function::Function;
use tempfile::TempDir;

use crate::support;
use crate::support::script;
use crate::support::script::here;
use crate::support::served::Served;

const SIGTERM: i32 = 15;

/// `tests/fixtures/handlers/ends.c`, which has a hook.
fn ends() -> Function {
    static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, library) = LIBRARY.get_or_init(|| support::fixture_in_c("ends"));
    support::function(library, None)
}

/// A runtime that has asked for work.
struct Runtime {
    child: Child,
    worker: TcpStream,
}

impl Runtime {
    /// Starts one with this in `PILOTLIGHT_SHUTDOWN`. A runtime that is `told` registers first, and
    /// gets this answer.
    fn start(function: &Function, variable: Option<&str>, told: Option<&str>) -> Runtime {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let child = function
            .command()
            .env_clear()
            .envs(function.environment(&here(port)))
            .envs(variable.map(|value| ("PILOTLIGHT_SHUTDOWN", value)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the bootstrap");
        // The extension's connection stays open, and its question without an answer.
        if let Some(answer) = told {
            let mut extension = script::accept(&listener);
            register(&mut extension, answer);
            std::mem::forget(extension);
        }
        let mut worker = script::accept(&listener);
        assert!(script::read_head(&mut worker).starts_with("GET /2018-06-01/"));
        Runtime { child, worker }
    }

    /// Ends it as the platform does: how it ended, its standard output, and its log.
    fn end(mut self) -> (ExitStatus, String, String) {
        let kill = Command::new("kill").arg(self.child.id().to_string()).status().expect("kill");
        assert!(kill.success());
        let (mut output, mut log) = (String::new(), String::new());
        self.child.stdout.take().expect("a pipe").read_to_string(&mut output).expect("UTF-8");
        self.child.stderr.take().expect("a pipe").read_to_string(&mut log).expect("UTF-8");
        (self.child.wait().expect("ended"), output, log)
    }
}

const REGISTERED: &str =
    "HTTP/1.1 200 OK\r\nlambda-extension-identifier: e1\r\nContent-Length: 2\r\n\r\n{}";

fn register(extension: &mut TcpStream, answer: &str) {
    let (head, body) = script::read_request(extension);
    assert!(head.starts_with("POST /2020-01-01/extension/register "), "{head}");
    assert!(head.contains("\r\nLambda-Extension-Name: pilotlight\r\n"), "{head}");
    assert_eq!(body, r#"{"events":[]}"#);
    extension.write_all(answer.as_bytes()).expect("sent");
    if answer == REGISTERED {
        let head = script::read_head(extension);
        assert!(head.starts_with("GET /2020-01-01/extension/event/next "), "{head}");
        assert!(head.contains("\r\nLambda-Extension-Identifier: e1\r\n"), "{head}");
    }
}

#[test]
fn a_hook_has_the_runtime_register_and_runs_at_the_end() {
    let runtime = Runtime::start(&ends(), None, Some(REGISTERED));
    let (status, output, log) = runtime.end();
    assert_eq!(status.code(), Some(0), "{log}");
    assert_eq!(output, "held back until now");
    assert!(log.ends_with("\t-\tINFO\tthe last work\n"), "{log}");
}

#[test]
fn the_end_may_come_while_a_handler_runs() {
    let mut runtime = Runtime::start(&ends(), None, Some(REGISTERED));
    runtime.worker.write_all(&script::next("wait").bytes).expect("sent");
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        let mut byte = [0];
        runtime.child.stderr.as_mut().expect("a pipe").read_exact(&mut byte).expect("a record");
        line.extend(byte);
    }
    assert!(line.ends_with(b"\tINFO\tit waits\n"), "{}", String::from_utf8_lossy(&line));
    let (status, _, log) = runtime.end();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.ends_with("\tINFO\tthe last work\n"), "{log}");
}

#[test]
fn without_a_hook_it_is_asked_for_and_a_hook_can_be_refused() {
    let (status, ..) = Runtime::start(&support::example("echo"), Some("1"), Some(REGISTERED)).end();
    assert_eq!(status.code(), Some(0));
    let (status, output, log) = Runtime::start(&ends(), Some("0"), None).end();
    assert_eq!((status.signal(), output.as_str(), log.as_str()), (Some(SIGTERM), "", ""));
    let (status, ..) = Runtime::start(&support::example("echo"), None, None).end();
    assert_eq!(status.signal(), Some(SIGTERM));
}

#[test]
fn a_platform_that_knows_no_extensions_is_no_reason_to_end() {
    let refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnone";
    let (_, _, log) = Runtime::start(&ends(), None, Some(refusal)).end();
    let line = "\tWARN\tpilotlight: no graceful shutdown: POST /extension/register was answered 403: none\n";
    assert!(log.contains(line), "{log}");
}

#[test]
fn the_local_lambda_ends_environments_as_lambda_does() {
    let (_folder, library) = support::fixture_in_c("ends");
    let served = Served::start(&[&library], &["--idle", "60", "--speed", "1000"]);
    assert_eq!(served.invoke("ends", "{}").status, 200);
    served.log_with("\tINFO\tthe last work\n");
}
