//! Panics: each is one record in the log, and either fails its invocation or ends the process.

use pilotlight_local::environment::INIT_LIMIT;
use pilotlight_local::function::Function;
use serde_json::Value;

use crate::handlers::logs::ENDED;
use crate::handlers::logs::json_records;
use crate::handlers::logs::log;
use crate::handlers::logs::text_records;
use crate::support;
use crate::support::Posted;

const JSON: [(&str, &str); 1] = [("AWS_LAMBDA_LOG_FORMAT", "JSON")];

fn function() -> Function {
    support::function(&support::fixture_crate("logging"), None)
}

fn message(records: &[Value]) -> &str {
    records[0]["errorMessage"].as_str().expect("text")
}

#[test]
fn a_panic_is_one_record() {
    let records = text_records(&log(&function(), &[], &["\"panic\""]));
    let start = "r1\tERROR\tPanic: panicked at tests/fixtures/logging/src/lib.rs:";
    assert!(records[0].starts_with(start), "{}", records[0]);
    assert!(records[0].ends_with(": no \"tea\""), "{}", records[0]);
    assert_eq!(records[1..], [ENDED]);

    let records = json_records(&log(&function(), &JSON, &["\"panic\""]));
    assert_eq!(records.len(), 2, "{records:?}");
    assert_eq!(records[0]["errorType"], "Panic");
    assert_eq!(records[0]["requestId"], "r1");
    assert!(message(&records).ends_with(": no \"tea\""), "{}", message(&records));

    let variables = [JSON[0], ("RUST_BACKTRACE", "1")];
    let records = json_records(&log(&function(), &variables, &["\"panic\""]));
    assert_eq!(records.len(), 2, "{records:?}");
    assert!(records[0]["stackTrace"].as_array().expect("a list").len() > 3, "{}", records[0]);
}

#[test]
fn a_panic_that_fails_no_invocation_is_a_record_too() {
    for event in ["\"caught panic\"", "\"panic on a thread\""] {
        let records = json_records(&log(&function(), &JSON, &[event]));
        // The handler goes on.
        assert_eq!(records.len(), 4, "{records:?}");
        assert!(message(&records).ends_with(": no tea"), "{}", message(&records));
    }
}

/// The report after a panic has ended the process.
fn posted(function: &Function, event: &str) -> Posted {
    let environment = support::start(function);
    environment.wait_initialised(INIT_LIMIT).expect("initialised");
    let outcome = support::invoke(&environment, function, event.as_bytes());
    Posted::read(&outcome.expect("reported"))
}

#[test]
fn the_report_of_the_end_contains_a_panic_that_cannot_unwind() {
    let posted = posted(&function(), "\"panic that cannot unwind\"");
    assert_eq!(posted.error_type, "Aborted");
    let start = "the handler was killed by signal 6 (SIGABRT)";
    assert!(posted.message.starts_with(start), "{}", posted.message);
    let first = ": panicked at tests/fixtures/logging/src/lib.rs:";
    assert!(posted.message.contains(first), "{}", posted.message);
    assert!(posted.message.contains(": no \"tea\"; panicked at "), "{}", posted.message);
}

#[test]
fn with_panics_that_abort_the_report_has_message_and_location() {
    let arguments = ["build", "-p", "logging", "--target-dir", "target/panic-abort"];
    let abort = ["--config", "profile.release.panic='abort'"];
    let built = support::cargo(".", &[&arguments[..], &abort].concat());
    let function = support::function(&support::library(&built, "logging"), None);
    for (event, end) in [("panic", ": no \"tea\""), ("panic on a thread", ": no tea")] {
        let posted = posted(&function, &format!("\"{event}\""));
        assert_eq!(posted.category, "Function.Aborted");
        let location = ": panicked at tests/fixtures/logging/src/lib.rs:";
        assert!(posted.message.contains(location), "{}", posted.message);
        assert!(posted.message.ends_with(end), "{}", posted.message);
    }
}
