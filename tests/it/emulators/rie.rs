//! AWS's own emulator in front of the real bootstrap: one function at a time, on loopback.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use tempfile::TempDir;

use crate::support;
use crate::support::arch::arch;

/// A running emulator; dropping it ends it and what it has started.
pub struct Rie {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Rie {
    /// With an example in front.
    fn start(handler: &str) -> Rie {
        Rie::start_in(&support::dist("examples"), handler, &[])
    }

    pub fn start_in(task_root: &Path, handler: &str, variables: &[(&str, &str)]) -> Rie {
        let mut command = arch().command(&program());
        command.env("LAMBDA_TASK_ROOT", task_root).env("AWS_LAMBDA_FUNCTION_TIMEOUT", "10");
        command.envs(variables.iter().copied());
        let folder = TempDir::new().expect("a folder");
        let runtime = arch().program(&support::bootstrap(), folder.path());
        Rie::launch(command, &[runtime.into(), handler.into()], folder)
    }

    /// With a function in one file, whose folder is the whole package.
    pub fn start_file(file: &Path, handler: &str) -> Rie {
        let mut command = arch().command(&program());
        let task_root = file.parent().expect("a folder");
        command.env("LAMBDA_TASK_ROOT", task_root).env("AWS_LAMBDA_FUNCTION_TIMEOUT", "10");
        let folder = TempDir::new().expect("a folder");
        let runtime = arch().program(file, folder.path());
        Rie::launch(command, &[runtime.into(), handler.into()], folder)
    }

    /// Starts the emulator by this command, with the runtime's command after its own arguments. Its
    /// log is written to `folder`.
    pub fn launch(mut command: Command, runtime: &[OsString], folder: TempDir) -> Rie {
        let (api, port) = (support::free_port(), support::free_port());
        let log = File::create(folder.path().join("log")).expect("a file");
        let child = command
            .args(["--log-level", "info"])
            .args(["--runtime-api-address", &format!("127.0.0.1:{api}")])
            .args(["--runtime-interface-emulator-address", &format!("127.0.0.1:{port}")])
            .args(runtime)
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn()
            .expect("AWS's emulator");
        let mut rie = Rie { child, port, folder };
        let end = Instant::now() + support::PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = rie.child.try_wait().expect("a child");
            assert_eq!(ended, None, "it did not start (mount namespaces need root): {}", rie.log());
            assert!(Instant::now() < end, "the emulator does not listen");
            thread::sleep(Duration::from_millis(5));
        }
        rie
    }

    /// Waits until something is the case.
    pub fn wait_for(&self, what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + support::PATIENCE;
        while !is_so() {
            assert!(Instant::now() < end, "waited in vain for the emulator {what}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Invokes the function: status and body.
    pub fn invoke(&self, event: &[u8]) -> (u16, Vec<u8>) {
        let (head, body) = self.invoke_with_headers(event);
        (head[9..12].parse().expect("a status"), body)
    }

    /// Invokes the function: the whole head, and the body.
    pub fn invoke_with_headers(&self, event: &[u8]) -> (String, Vec<u8>) {
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
        let head = String::from_utf8(answer[..end].to_vec()).expect("UTF-8");
        (head, answer[end + 4..].to_vec())
    }

    pub fn log(&self) -> String {
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

/// AWS's emulator, as a program for the CPU under test.
pub fn program() -> PathBuf {
    let name = if arch().is_emulated() { "aws-lambda-rie-arm64" } else { "aws-lambda-rie" };
    let program = support::tools().join(name);
    assert!(program.exists(), "{} is missing: run ./build.sh test", program.display());
    program
}

#[test]
fn a_function_in_one_file_is_unpacked_and_invoked() {
    let folder = TempDir::new().expect("a folder");
    let library = support::dist("examples/libhello.so");
    let built = Command::new(support::dist("bin/pilotlight"))
        .args(["build", "--zip"])
        .arg(library)
        .current_dir(folder.path())
        .output()
        .expect("pilotlight");
    assert!(built.status.success(), "{built:?}");
    let zip = folder.path().join("target/lambda/hello/bootstrap.zip");
    let task_root = folder.path().join("task");
    let archive = zip::ZipArchive::new(File::open(zip).expect("a zip"));
    archive.expect("a zip").extract(&task_root).expect("unpacked");
    let rie = Rie::start_file(&task_root.join("bootstrap"), "any.handler");
    let answer = (200, br#"{"message":"Hello, Ada!"}"#.to_vec());
    assert_eq!(rie.invoke(br#"{"name":"Ada"}"#), answer);
    assert_eq!(rie.invoke(br#"{"name":"Ada"}"#), answer);
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

fn text(answer: (u16, Vec<u8>)) -> (u16, String) {
    (answer.0, String::from_utf8(answer.1).expect("UTF-8"))
}

#[test]
fn a_response_may_be_as_large_as_lambda_allows_and_no_larger() {
    const MOST: usize = 6_291_556;
    let (folder, _) = support::fixture_in_c("sizes");
    let sizes = Rie::start_in(folder.path(), "sizes", &[]);
    let invoke = |size: usize| sizes.invoke(format!("{size} ").as_bytes());
    assert_eq!(invoke(MOST).1.len(), MOST);
    let (status, refusal) = text(invoke(MOST + 1));
    assert!(
        refusal.contains("\"errorType\":\"Function.ResponseSizeTooLarge\""),
        "{status} {refusal}"
    );
    assert!(sizes.log().contains("was answered 413: "), "{}", sizes.log());
    // The same process goes on.
    assert_eq!(text(invoke(3)), (200, "777".into()));
    assert_eq!(sizes.log().matches("INIT START").count(), 1, "{}", sizes.log());
}

#[test]
fn a_stream_and_its_end_arrive() {
    let stream = Rie::start("stream");
    let lines = "chunk 1 of 2\nchunk 2 of 2\n";
    assert_eq!(text(stream.invoke(br#"{"chunks":2}"#)), (200, lines.into()));
    assert_eq!(text(stream.invoke(br#"{"chunks":0}"#)), (200, String::new()));
    let (_, error) = text(stream.invoke(b"7"));
    assert!(error.contains("\"errorType\":\"InvalidEvent\""), "{error}");
}

#[test]
fn a_function_that_times_out_is_started_again() {
    let timeout = [("AWS_LAMBDA_FUNCTION_TIMEOUT", "1")];
    let faulty = Rie::start_in(&support::dist("examples"), "faulty", &timeout);
    let (_, answer) = text(faulty.invoke(br#"{"fault":"sleep"}"#));
    assert_eq!(answer, "Task timed out after 1.00 seconds");
    assert_eq!(text(faulty.invoke(b"{}")), (200, r#"{"fault":null}"#.into()));
}

#[test]
fn the_end_of_the_environment_reaches_the_hook() {
    let (folder, _) = support::fixture_in_c("ends");
    let ends = Rie::start_in(folder.path(), "ends", &[]);
    assert_eq!(ends.invoke(b"{}").0, 200);
    let kill = Command::new("kill").arg(ends.child.id().to_string()).status().expect("kill");
    assert!(kill.success());
    ends.wait_for("to end the function", || ends.log().contains("the last work"));
    ends.wait_for("to show what was held back", || ends.log().contains("held back until now"));
}
