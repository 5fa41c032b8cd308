//! Snapshots of the process after its init, and the functions around them.

use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::OnceLock;

use pilotlight_local::function::Function;
use pilotlight_local::function::SNAP_START;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::support;
use crate::support::fakes;
use crate::support::fakes::extension::Extension;
use crate::support::script;
use crate::support::script::Script;
use crate::support::script::Seen;
use crate::support::script::accepted;
use crate::support::script::answer;
use crate::support::script::here;
use crate::support::script::next;
use crate::support::script::status;

const RESTORE: &str = "GET /2018-06-01/runtime/restore/next";
const NEXT: &str = "GET /2018-06-01/runtime/invocation/next";
const RESPONSE: &str = "POST /2018-06-01/runtime/invocation/r1/response";

/// `tests/fixtures/hooks`, with a variable that lets one of its functions fail.
fn hooks(variable: Option<(&str, &str)>) -> Function {
    let mut function = support::function(&support::fixture_crate("hooks"), None);
    function.initialization_type = SNAP_START;
    function.variables.extend(variable.map(|(name, value)| (name.into(), value.into())));
    function
}

/// `tests/fixtures/handlers/snapshots.c`.
fn in_c() -> Function {
    static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, library) = LIBRARY.get_or_init(|| support::fixture_in_c("snapshots"));
    Function { initialization_type: SNAP_START, ..support::function(library, None) }
}

fn restored() -> Script {
    answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
}

fn lines(seen: &Seen) -> Vec<&str> {
    let line = |head: &'_ str| head.find(" HTTP/1.1\r\n").unwrap_or(head.len());
    seen.requests.iter().map(|(head, _)| &head[..line(head)]).collect()
}

/// The error of the last request, whose category must be the same, after these requests.
#[track_caller]
fn posted(seen: &Seen, before: &[&str], path: &str, error_type: &str) -> String {
    let (last, others) = seen.requests.split_last().expect("requests");
    assert_eq!(lines(seen)[..others.len()], *before);
    assert!(last.0.starts_with(&format!("POST /2018-06-01/runtime/{path} ")), "{}", last.0);
    let header = format!("\r\nLambda-Runtime-Function-Error-Type: {error_type}\r\n");
    assert!(last.0.contains(&header), "{}", last.0);
    let body: Value = serde_json::from_str(&last.1).expect("JSON");
    let short = error_type.trim_start_matches("Function.");
    assert!([error_type, short].contains(&body["errorType"].as_str().expect("text")), "{body}");
    body["errorMessage"].as_str().expect("text").to_owned()
}

#[test]
fn the_functions_run_around_the_snapshot_and_the_connection_is_new() {
    let breaking = Script { close: true, ..restored() };
    let script = vec![breaking, next("\"\""), accepted(), status("410 Gone")];
    let seen = script::converse(&hooks(None), here, script.clone());
    assert_eq!(lines(&seen), [RESTORE, NEXT, RESPONSE, NEXT]);
    assert_eq!(seen.requests[2].1, "\"init before_snapshot after_restore run\"");
    assert_eq!(seen.connections, 2);
    let seen = script::converse(&in_c(), here, script);
    assert_eq!(seen.requests[2].1, "1 1");
}

#[test]
fn no_other_start_asks_for_a_snapshot() {
    let function = Function { initialization_type: "on-demand", ..in_c() };
    let seen = script::converse(&function, here, vec![next("{}"), accepted(), status("410 Gone")]);
    assert_eq!(lines(&seen), [NEXT, RESPONSE, NEXT]);
    assert_eq!(seen.requests[1].1, "0 0");
}

#[test]
fn a_function_that_fails_is_reported_and_ends_the_process() {
    for variable in ["FAIL", "PANIC"] {
        let function = hooks(Some((variable, "before_snapshot")));
        let seen = script::converse(&function, here, vec![accepted()]);
        let message = posted(&seen, &[], "init/error", "Runtime.BeforeSnapshotError");
        let words = if variable == "FAIL" { "Unwilling: before_snapshot fails" } else { "Panic: " };
        assert!(message.starts_with(words), "{message}");
        assert_eq!(seen.code, Some(10), "{}", seen.log);

        let function = hooks(Some((variable, "after_restore")));
        let script = vec![Script { close: true, ..restored() }, accepted()];
        let seen = script::converse(&function, here, script);
        let message = posted(&seen, &[RESTORE], "restore/error", "Runtime.AfterRestoreError");
        let words = if variable == "FAIL" { "Unwilling: after_restore fails" } else { "Panic: " };
        assert!(message.starts_with(words), "{message}");
        assert_eq!(seen.code, Some(13), "{}", seen.log);
    }
}

#[test]
fn a_death_after_the_restore_is_reported() {
    let mut function = in_c();
    function.variables.push(("CRASH".into(), "1".into()));
    let script = vec![Script { close: true, ..restored() }, accepted()];
    let seen = script::converse(&function, here, script);
    let message = posted(&seen, &[RESTORE], "restore/error", "Function.SegmentationFault");
    assert!(message.contains("signal 11 (SIGSEGV) at address 0x8"), "{message}");
}

#[test]
fn a_platform_that_refuses_the_request_ends_the_process() {
    let seen = script::converse(&in_c(), here, vec![status("403 Forbidden")]);
    assert_eq!(seen.code, Some(11));
    assert!(seen.log.contains("GET /restore/next was answered 403: {}"), "{}", seen.log);
}

#[test]
fn buffered_output_is_written_before_the_snapshot() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let function = in_c();
    let mut command = function.command();
    command.env_clear().envs(function.environment(&here(port))).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the bootstrap");
    let mut stream = script::accept(&listener);
    assert!(script::read_head(&mut stream).starts_with(RESTORE));
    child.kill().expect("ended");
    let mut output = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut output).expect("UTF-8");
    child.wait().expect("ended");
    assert_eq!(output, "written once\n");
}

/// A value that was fetched before the snapshot, and is fresh for hours by its declaration.
#[test]
fn configuration_from_before_the_snapshot_is_fetched_again() {
    let extension = Extension::start();
    let parameter = |value: &str| ("String".to_owned(), value.to_owned(), 1);
    extension.state().parameters.insert("/a".into(), parameter("old"));
    let library = support::fixture_crate("configured");
    let mut function = support::function(&library, Some("read"));
    function.initialization_type = SNAP_START;
    let port = extension.port.to_string();
    for (name, value) in [
        ("PILOTLIGHT_CONFIG", "a=ssm:/a?prefetch&ttl=9h"),
        ("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", &port),
        ("AWS_SESSION_TOKEN", fakes::SESSION_TOKEN),
    ] {
        function.variables.push((name.into(), value.into()));
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mut command = function.command();
    command.env_clear().envs(function.environment(&here(port)));
    let mut child = command.spawn().expect("the bootstrap");
    let mut stream = script::accept(&listener);
    assert!(script::read_head(&mut stream).starts_with(RESTORE));
    extension.state().parameters.insert("/a".into(), parameter("new"));
    stream.write_all(&restored().bytes).expect("sent");
    drop(stream);
    let mut stream = script::accept(&listener);
    assert!(script::read_head(&mut stream).starts_with(NEXT));
    let event = json!({ "name": "a" }).to_string();
    stream.write_all(&next(&event).bytes).expect("sent");
    let (_, body) = script::read_request(&mut stream);
    let value: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((&value["text"], &value["stale"]), (&json!("new"), &json!(false)), "{value}");
    child.kill().expect("ended");
    child.wait().expect("ended");
}
