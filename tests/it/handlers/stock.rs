//! The fixture crates: the parts of std and tokio that ordinary Rust handlers use, under the
//! bootstrap and, where the response is the same, through `dlopen` on glibc.

use pilotlight_local::environment::INIT_LIMIT;
use serde_json::Value;
use serde_json::json;

use crate::support;
use crate::support::Posted;
use crate::support::oracle;

fn check(handler: &str, event: &str, expected: &Value) {
    let library = support::fixture_crate("stock");
    let function = support::function(&library, Some(handler));
    let environment = support::start(&function);
    environment.wait_initialised(INIT_LIMIT).expect("initialised");
    // Twice: an invocation must not disturb the next one.
    for _ in 0..2 {
        let answer = support::response(support::invoke(&environment, &function, event.as_bytes()));
        let answer: Value = serde_json::from_slice(&answer).expect("JSON");
        assert_eq!(&answer, expected, "{handler}");
    }
}

#[test]
fn std_works_as_it_does_natively() {
    check("initialised", "{}", &json!("once"));
    let event = r#"{"name":"Ada","raw":"bytes"}"#;
    check("borrowed", event, &json!(["Ada", "bytes", true]));
    check("thread_locals", "{}", &json!([8, [7, 8, 9, 10], "dropped"]));
    check("threads", "{}", &json!([28, 10_000]));
    check("panics", "{}", &json!([50, "number 0", "number 49"]));
    check("files", "{}", &json!(["one\ntwo\n", 8, ["b.txt"], "NotFound", false]));
    check("names", "{}", &json!([true, true]));
    check("process", "{}", &json!([true, true, "child\n", true]));
    let others = [2f64.powf(0.5), 2f64.ln(), 2f64.exp(), 2f64.sin().atan2(2f64.cos()), 2f64.tanh()];
    let numbers = json!([
        [["1.500", 2.25], ["2.000", 4.0]],
        [2.0, 3.0, -2.0, 1.5, 2f64.sqrt()],
        others.map(|number| format!("{number:.12}")),
    ]);
    check("numbers", "[2,1.5]", &numbers);
    check("memory", "{}", &json!([41_943_040, 9_995_000]));
}

#[test]
fn the_same_library_answers_the_same_through_dlopen() {
    let library = support::fixture_crate("stock");
    for (handler, event) in [("thread_locals", "{}"), ("numbers", "[2,1.5]"), ("bytes", "3")] {
        // `init` may run only once in a process, so each handler gets a copy of the library.
        let folder = tempfile::TempDir::new().expect("a folder");
        let copy = folder.path().join("libstock.so");
        std::fs::copy(&library, &copy).expect("copied");
        let function = support::function(&copy, Some(handler));
        let answer = support::response(support::cold(&function, event.as_bytes()));
        assert_eq!(oracle::answer(&copy, Some(handler), event), Ok(answer), "{handler}");
    }
}

#[test]
fn raw_bytes_and_bad_types_are_told_apart() {
    let library = support::fixture_crate("stock");
    let bytes = support::function(&library, Some("bytes"));
    assert_eq!(support::response(support::cold(&bytes, b"70000")), vec![0xff; 70000]);
    let posted = Posted::read(&support::cold(&bytes, b"\"many\"").expect("answered"));
    assert_eq!(posted.error_type, "InvalidEvent");
    assert!(posted.message.starts_with("the event is not a usize: "), "{}", posted.message);

    let function = support::function(&library, Some("unserialisable"));
    let posted = Posted::read(&support::cold(&function, b"{}").expect("answered"));
    assert_eq!(posted.error_type, "InvalidResponse");
}

#[test]
fn an_init_that_fails_is_reported_and_ends_the_process() {
    let library = support::fixture_crate("stock");
    let mut function = support::function(&library, Some("initialised"));
    function.variables.push(("FAIL_SETUP".into(), "1".into()));
    let (posted, code) = support::refusal(&function);
    assert_eq!(code, Some(10));
    assert_eq!(posted.message, "FAIL_SETUP is set");
    assert_eq!(posted.error_type, "Error");
    assert_eq!(posted.category, "Function.Error");
}

#[test]
fn async_handlers_run_on_the_runtime_that_init_made() {
    let library = support::fixture_crate("asynchronous");
    let function = support::function(&library, Some("everything"));
    let environment = support::start(&function);
    environment.wait_initialised(INIT_LIMIT).expect("initialised");
    for number in 0..3 {
        let event = format!("{number}");
        let answer = support::response(support::invoke(&environment, &function, event.as_bytes()));
        let answer: Value = serde_json::from_slice(&answer).expect("JSON");
        assert_eq!(answer, json!([true, "slow", "over the wire", number]));
    }
    // A task waits while the handler does not await.
    let blocking = support::function(&library, Some("blocking"));
    assert_eq!(support::response(support::cold(&blocking, b"20")), b"false");
    let failing = support::function(&library, Some("failing"));
    let posted = Posted::read(&support::cold(&failing, b"{}").expect("answered"));
    assert_eq!(posted.error_type, "Error");
    assert!(posted.message.ends_with(": the cause"), "{}", posted.message);
    assert!(posted.message.starts_with("for "), "{}", posted.message);
}
