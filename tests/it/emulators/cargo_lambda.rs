//! The emulator of cargo-lambda in front of the real bootstrap: another Runtime API than AWS's,
//! with function URLs whose responses stream live.

use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use pilotlight_local::function::Function;
use tempfile::TempDir;

use crate::support;

/// The emulator, and a runtime that it did not start; dropping it ends both.
pub struct CargoLambda {
    emulator: Child,
    runtime: Child,
    port: u16,
    folder: TempDir,
}

impl CargoLambda {
    /// With a function in front.
    pub fn start(function: &Function) -> CargoLambda {
        let folder = TempDir::new().expect("a folder");
        // It wants a Cargo project around it, and builds nothing of it.
        let manifest = "[package]\nname = \"f\"\nversion = \"0.0.0\"\n";
        fs::write(folder.path().join("Cargo.toml"), manifest).expect("written");
        fs::create_dir(folder.path().join("src")).expect("a folder");
        fs::write(folder.path().join("src/main.rs"), "fn main() {}\n").expect("written");
        let port = support::free_port();
        let program = support::root().join("target/tools/cargo-lambda");
        assert!(program.exists(), "{} is missing: run ./build.sh test", program.display());
        let emulator = Command::new(program)
            .args(["lambda", "watch", "--only-lambda-apis"])
            .args(["--invoke-address", "127.0.0.1", "--invoke-port", &port.to_string()])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("cargo-lambda");
        let end = Instant::now() + support::PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "the emulator does not listen");
            thread::sleep(Duration::from_millis(5));
        }
        let runtime = function
            .command()
            .env_clear()
            .envs(function.environment(&format!("http://127.0.0.1:{port}/.rt/f")))
            .env("PILOTLIGHT_TEST_GATE", folder.path().join("gate"))
            .spawn()
            .expect("the bootstrap");
        CargoLambda { emulator, runtime, port, folder }
    }

    /// Sends a request, and returns the stream of its answer.
    pub fn request(&self, line: &str, body: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("connected");
        stream.set_read_timeout(Some(support::PATIENCE)).expect("a socket");
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).expect("sent");
        BufReader::new(stream)
    }

    fn invoke(&self, event: &str) -> String {
        let mut answer = String::new();
        let mut stream = self.request("POST /2015-03-31/functions/f/invocations", event);
        stream.read_to_string(&mut answer).expect("UTF-8");
        answer
    }
}

impl Drop for CargoLambda {
    fn drop(&mut self) {
        for child in [&mut self.runtime, &mut self.emulator] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn invocations_are_answered() {
    let hello = CargoLambda::start(&support::example("hello"));
    for _ in 0..2 {
        let answer = hello.invoke(r#"{"name":"Ada"}"#);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with(r#"{"message":"Hello, Ada!"}"#), "{answer}");
    }
    let answer = hello.invoke("7");
    assert!(answer.contains(r#""errorType":"InvalidEvent""#), "{answer}");
}

#[test]
fn a_function_in_one_file_is_invoked() {
    let folder = TempDir::new().expect("a folder");
    let built = Command::new(support::dist("bin/pilotlight"))
        .arg("build")
        .arg(support::dist("examples/libhello.so"))
        .current_dir(folder.path())
        .output()
        .expect("pilotlight");
    assert!(built.status.success(), "{built:?}");
    let file = folder.path().join("target/lambda/hello/bootstrap");
    let hello = CargoLambda::start(&Function::of_one_file(&file, None).expect("a function"));
    let answer = hello.invoke(r#"{"name":"Ada"}"#);
    assert!(answer.ends_with(r#"{"message":"Hello, Ada!"}"#), "{answer}");
}

#[test]
fn a_function_url_streams_live() {
    let (_library, path) = support::fixture_in_c("waits");
    let waits = CargoLambda::start(&support::function(&path, None));
    let mut stream = waits.request("GET /lambda-url/f/path", "");
    let mut lines = String::new();
    while !lines.ends_with("first\n") {
        assert_ne!(stream.read_line(&mut lines).expect("a line"), 0, "{lines}");
    }
    assert!(lines.starts_with("HTTP/1.1 203 "), "{lines}");
    assert!(lines.contains("\r\nx-a: b\r\n"), "{lines}");
    // The handler still waits.
    fs::write(waits.folder.path().join("gate"), "").expect("written");
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("UTF-8");
    assert!(rest.contains("\nsecond\n") && rest.ends_with("0\r\n\r\n"), "{rest:?}");
}

#[test]
fn a_function_url_reaches_the_example() {
    let stream = CargoLambda::start(&support::example("stream"));
    let mut answer = String::new();
    let mut url = stream.request("GET /lambda-url/f/path?chunks=2", "");
    url.read_to_string(&mut answer).expect("UTF-8");
    assert!(answer.contains("\r\ncontent-type: text/plain\r\n"), "{answer}");
    assert!(answer.contains("chunk 1 of 2\n") && answer.contains("chunk 2 of 2\n"), "{answer}");
}
