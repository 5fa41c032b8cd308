//! AWS's own emulator in front of the real bootstrap: one function at a time, on loopback.

use std::fs::File;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use tempfile::TempDir;

use crate::support;

/// A running emulator; dropping it ends it and what it has started.
struct Rie {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Rie {
    fn start(handler: &str) -> Rie {
        let folder = TempDir::new().expect("a folder");
        let (api, port) = (support::free_port(), support::free_port());
        let log = File::create(folder.path().join("log")).expect("a file");
        let child = Command::new(program())
            .args(["--log-level", "info"])
            .args(["--runtime-api-address", &format!("127.0.0.1:{api}")])
            .args(["--runtime-interface-emulator-address", &format!("127.0.0.1:{port}")])
            .arg(support::bootstrap())
            .arg(handler)
            .env("LAMBDA_TASK_ROOT", support::dist("examples"))
            .env("AWS_LAMBDA_FUNCTION_TIMEOUT", "10")
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn()
            .expect("AWS's emulator");
        let end = Instant::now() + support::PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "the emulator does not listen");
            thread::sleep(Duration::from_millis(5));
        }
        Rie { child, port, folder }
    }

    /// Invokes the function: status and body.
    fn invoke(&self, event: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("connected");
        stream.set_read_timeout(Some(support::PATIENCE)).expect("a socket");
        let head = format!(
            "POST /2015-03-31/functions/function/invocations HTTP/1.0\r\nContent-Length: {}\r\n\r\n",
            event.len()
        );
        stream.write_all(&[head.as_bytes(), event].concat()).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let end = answer.windows(4).position(|part| part == b"\r\n\r\n").expect("a head");
        let status = std::str::from_utf8(&answer[9..12]).expect("a status");
        (status.parse().expect("a number"), answer[end + 4..].to_vec())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).expect("the log")
    }
}

impl Drop for Rie {
    fn drop(&mut self) {
        // It takes seconds to end by itself. The bootstrap ends when its connection breaks.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("the emulator's log:\n{}", self.log());
        }
    }
}

fn program() -> PathBuf {
    let program = support::root().join("target/tools/aws-lambda-rie");
    assert!(program.exists(), "{} is missing: run ./build.sh test", program.display());
    program
}

#[test]
fn hello_and_echo_are_invoked() {
    let hello = Rie::start("hello");
    let answer = (200, br#"{"message":"Hello, Ada!"}"#.to_vec());
    assert_eq!(hello.invoke(br#"{"name":"Ada"}"#), answer);
    assert_eq!(hello.invoke(br#"{"name":"Ada"}"#), answer);
    assert!(hello.log().contains("INIT REPORT(durationMs: "), "{}", hello.log());
    drop(hello);

    let echo = Rie::start("echo.echo");
    let large = format!("\"{}\"", "x".repeat(6_000_000));
    for event in ["{}", "\"ä€😀\"", &large] {
        let (status, body) = echo.invoke(event.as_bytes());
        assert_eq!((status, body.len()), (200, event.len()));
        assert!(body == event.as_bytes(), "{} bytes", event.len());
    }
}

#[test]
fn errors_refusals_and_crashes_reach_the_caller() {
    let faulty = Rie::start("faulty");
    let body = |answer: (u16, Vec<u8>)| String::from_utf8(answer.1).expect("UTF-8");
    let error = body(faulty.invoke(br#"{"fault":"error"}"#));
    assert!(error.contains("\"errorType\":\"RequestedError\""), "{error}");
    let panic = body(faulty.invoke(br#"{"fault":"panic"}"#));
    assert!(panic.contains("this panic was asked for"), "{panic}");
    let crash = body(faulty.invoke(br#"{"fault":"segv"}"#));
    assert!(crash.contains("\"errorType\":\"SegmentationFault\""), "{crash}");
    // The emulator starts the bootstrap again.
    assert_eq!(body(faulty.invoke(b"{}")), r#"{"fault":null}"#);
    drop(faulty);

    let nothing = Rie::start("nothing");
    let (status, body) = nothing.invoke(b"{}");
    let body = String::from_utf8(body).expect("UTF-8");
    assert_eq!(status, 502, "{body}");
    assert!(body.contains("no libnothing.so and no nothing.so in"), "{body}");
}
