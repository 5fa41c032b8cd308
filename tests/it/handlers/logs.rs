//! The lines of the function's log.

use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::OnceLock;

use pilotlight_local::function::Function;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::support;
use crate::support::script;
use crate::support::script::here;

/// `tests/fixtures/handlers/logs.c`.
fn logs() -> Function {
    static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, library) = LIBRARY.get_or_init(|| support::fixture_in_c("logs"));
    support::function(library, None)
}

/// The runtime's log of invocations with these events, until the Runtime API ends it with 410.
pub fn log(function: &Function, variables: &[(&str, &str)], events: &[&str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let child = function
        .command()
        .env_clear()
        .envs(function.environment(&here(port)))
        .envs(variables.iter().copied())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the bootstrap");
    let mut worker = script::accept(&listener);
    for event in events {
        script::read_head(&mut worker);
        worker.write_all(&script::next(event).bytes).expect("sent");
        script::read_request(&mut worker);
        worker.write_all(&script::accepted().bytes).expect("sent");
    }
    script::read_head(&mut worker);
    worker.write_all(&script::status("410 Gone").bytes).expect("sent");
    let output = child.wait_with_output().expect("ended");
    String::from_utf8(output.stderr).expect("UTF-8")
}

/// The records of a log in JSON.
pub fn json_records(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// The records of a log in text, without their times, which have the form of RFC 3339.
pub fn text_records(log: &str) -> Vec<String> {
    let record = |line: &str| {
        let (time, rest) = line.split_once('\t').expect("a time");
        let form: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(form, "0000-00-00T00:00:00.000Z", "{line}");
        rest.to_owned()
    };
    log.lines().map(record).collect()
}

/// The last record. It belongs to no request: the last one was answered, and there is no next one.
pub const ENDED: &str = "-\tERROR\tpilotlight: Runtime.ApiError: GET /next was answered 410: {}";

#[test]
fn text_has_time_request_level_and_message_in_one_line() {
    let records = text_records(&log(&logs(), &[], &["a\\nb", "thread"]));
    let levels = ["r1\tINFO\t2: ", "r1\tWARN\t3: ", "r1\tERROR\t4: ", "r1\tFATAL\t5: "];
    let mut expected: Vec<String> = levels.iter().map(|start| format!("{start}a\\nb")).collect();
    expected.push("r1\tINFO\ton a thread: x".into());
    expected.push(ENDED.into());
    assert_eq!(records, expected);
    // A line feed would end the record for CloudWatch.
    let records = text_records(&log(&logs(), &[], &["a\nb"]));
    assert_eq!(records[0], "r1\tINFO\t2: a\rb");
}

#[test]
fn levels_are_chosen_in_any_case() {
    let count =
        |level| text_records(&log(&logs(), &[("AWS_LAMBDA_LOG_LEVEL", level)], &["x"])).len();
    assert_eq!(count("trace"), 7);
    assert_eq!(count("Debug"), 6);
    assert_eq!(count("ERROR"), 3);
    // The runtime's own last record is an ERROR.
    assert_eq!(count("FATAL"), 1);
    assert_eq!(count("LOUD"), 5);
}

#[test]
fn json_has_the_same_in_fields() {
    let variables = [("AWS_LAMBDA_LOG_FORMAT", "json"), ("AWS_LAMBDA_LOG_LEVEL", "warn")];
    let log = log(&logs(), &variables, &["\"\\\u{1}ä\n"]);
    let records = json_records(&log);
    assert_eq!(records.len(), 4, "{log}");
    assert_eq!(records[0]["level"], "WARN");
    assert_eq!(records[0]["message"], "3: \"\\\u{1}ä\n");
    assert_eq!(records[0]["requestId"], "r1");
    assert_eq!(records[3]["target"], "pilotlight");
    assert_eq!(records[3]["requestId"], Value::Null);
    assert_eq!(records[3]["message"], "Runtime.ApiError: GET /next was answered 410: {}");
    let time = records[3]["timestamp"].as_str().expect("text");
    assert_eq!((time.len(), time.ends_with('Z')), (24, true), "{time}");
}

#[test]
fn rust_handlers_log_by_the_crate_log() {
    let function = support::function(&support::fixture_crate("logging"), None);
    let records = text_records(&log(&function, &[], &["\"tea\""]));
    assert_eq!(records[0], "r1\tINFO\tlogging: served tea");
    assert_eq!(records[1], "r1\tWARN\tlogging::pot: empty");
    let variables = [("AWS_LAMBDA_LOG_FORMAT", "JSON"), ("AWS_LAMBDA_LOG_LEVEL", "DEBUG")];
    let records = json_records(&log(&function, &variables, &["\"tea\""]));
    assert_eq!(records[0]["level"], "DEBUG");
    assert_eq!(records[1]["target"], "logging");
    assert_eq!(records[1]["message"], "served tea");
}

#[test]
fn init_chooses_the_logger() {
    let function = support::function(&support::fixture_crate("logging"), None);
    let records = text_records(&log(&function, &[("LOGGER", "ours")], &["\"tea\""]));
    assert_eq!(records[0], "-\tINFO\tlogging: set up");
    assert_eq!(records[1], "r1\tINFO\tlogging: served tea");
    // The records of tracing have their own form.
    let log = log(&function, &[("LOGGER", "tracing")], &["\"tea\""]);
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 4, "{log}");
    for (line, end) in lines.iter().zip(["set up", "served tea", "empty"]) {
        assert!(line.ends_with(end), "{line}");
    }
}

#[test]
fn an_invocation_that_fails_is_one_record() {
    let function = support::function(&support::fixture_crate("logging"), None);
    let quiet = [("AWS_LAMBDA_LOG_LEVEL", "ERROR")];
    let records = text_records(&log(&function, &quiet, &["\"error\"", "17"]));
    assert_eq!(records[0], "r1\tERROR\tParseIntError: invalid digit found in string");
    let location = "line 1 column 2; the response to the caller has details";
    assert_eq!(records[1], format!("r1\tERROR\tInvalidEvent: the event is not a &str: {location}"));
    assert_eq!(records[2..], [ENDED]);
    assert_eq!(log(&function, &[("AWS_LAMBDA_LOG_LEVEL", "FATAL")], &["\"error\""]), "");

    let json = [("AWS_LAMBDA_LOG_FORMAT", "JSON"), ("AWS_LAMBDA_LOG_LEVEL", "ERROR")];
    let mut records = json_records(&log(&function, &json, &["\"error\""]));
    assert_eq!(records.len(), 2);
    let time = records[0].as_object_mut().expect("fields").remove("timestamp").expect("a time");
    assert_eq!(time.as_str().map(str::len), Some(24));
    let expected = json!({
        "level": "ERROR",
        "requestId": "r1",
        "errorType": "ParseIntError",
        "errorMessage": "invalid digit found in string",
        "stackTrace": [],
    });
    assert_eq!(records[0], expected);
}

#[test]
fn a_failure_in_c_is_one_record_with_its_stack_trace() {
    let records = text_records(&log(&logs(), &[], &["fail", "fail and log"]));
    assert_eq!(records[0], "r1\tERROR\tOutOfTea: no \"tea\"\rpot.c:1\rkitchen.c:2");
    assert_eq!(records[1], "r1\tERROR\tLogged: by the handler");
    assert_eq!(records[2..], [ENDED]);
    let records = json_records(&log(&logs(), &[("AWS_LAMBDA_LOG_FORMAT", "JSON")], &["fail"]));
    assert_eq!(records[0]["errorMessage"], "no \"tea\"");
    assert_eq!(records[0]["stackTrace"], json!(["pot.c:1", "kitchen.c:2"]));
}

#[test]
fn a_failure_is_logged_after_its_answer_and_before_the_next_request() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let function = logs();
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("log");
    let mut child = function
        .command()
        .env_clear()
        .envs(function.environment(&here(port)))
        .stderr(File::create(&path).expect("a file"))
        .spawn()
        .expect("the bootstrap");
    let mut worker = listener.accept().expect("a connection").0;
    script::read_head(&mut worker);
    worker.write_all(&script::next("fail").bytes).expect("sent");
    script::read_request(&mut worker);
    let log = || fs::read_to_string(&path).expect("the file");
    assert_eq!(log(), "", "while the caller waits");
    worker.write_all(&script::accepted().bytes).expect("sent");
    script::read_head(&mut worker);
    // The platform may freeze the environment from here on.
    assert_eq!(text_records(&log()).len(), 1);
    child.kill().expect("ended");
    child.wait().expect("ended");
}

#[test]
fn payloads_are_never_logged() {
    let variables = [("AWS_LAMBDA_LOG_LEVEL", "TRACE")];
    let records = text_records(&log(&support::example("echo"), &variables, &["\"secret\""]));
    assert_eq!(records, [ENDED]);
}
