//! Limits of one event: a budget of invocations, one delay, a number of records, its deadline; and
//! `PILOTLIGHT_WARM_ONLY`, which lets only some pings fan out. docs/warming.md promises them.

use std::fs;

use serde_json::Value;
use serde_json::json;

use super::WARMED;
use super::lambda::Lambda;
use super::lambda::Manner;
use crate::support;
use crate::support::served::Served;
use crate::support::served::example;

/// A list of `count` equal pings.
pub fn list_of(count: usize, ping: &str) -> String {
    format!("[{}]", vec![ping; count].join(","))
}

/// The emulator ends an environment whose invocation times out by the emulator's clock, and reports
/// it to the client.
#[test]
fn delays_end_before_the_deadline_and_each_event_has_one() {
    let child = r#"{"warmer":true,"__WARMER_INVOCATION__":2,"__WARMER_CONCURRENCY__":3}"#;
    for (delay, timeout, count) in [("75", "3", 100), ("60000", "2", 1)] {
        let delay = format!("PILOTLIGHT_WARM_DELAY={delay}");
        let served = Served::start(&[&example("echo")], &["--timeout", timeout, "--env", &delay]);
        assert_eq!(served.invoke("echo", &list_of(count, child)).text(), WARMED, "{delay}");
        let function = served.function("echo");
        assert_eq!(function["totals"]["pings"]["count"], 1, "{function:#}");
    }
}

/// As above: if Lambda never answers, the ping is still answered.
#[test]
fn a_fan_out_ends_before_the_deadline() {
    let lambda = Lambda::start(Manner::Silent);
    let endpoint = format!("AWS_ENDPOINT_URL_LAMBDA={}", lambda.endpoint());
    let options = ["--timeout", "2", "--env", &endpoint, "--env", "NO_PROXY=127.0.0.1"];
    let served = Served::start(&[&example("echo")], &options);
    let ping = r#"{"warmer":true,"concurrency":3}"#;
    for event in [ping.to_owned(), list_of(2, ping)] {
        assert_eq!(served.invoke("echo", &event).text(), WARMED);
    }
    let log = served.log_with("\"failed\":2");
    assert!(log.to_lowercase().contains("timeout"), "{log}");
    // The first environment is still there.
    let function = served.function("echo");
    assert_eq!(function["environments"].as_array().map(Vec::len), Some(1), "{function:#}");
    assert_eq!(function["totals"]["pings"]["cold"], 1, "{function:#}");
}

/// The two lines of docs/warming.md: the variable, and an event that matches it.
fn documented() -> (String, String) {
    let text = fs::read_to_string(support::root().join("docs/warming.md")).expect("the document");
    let line = |start: &str| {
        let line = text.lines().find(|line| line.starts_with(start));
        line.unwrap_or_else(|| panic!("no line starts with {start}")).trim().to_owned()
    };
    (line("    PILOTLIGHT_WARM_ONLY="), line("    {\"warmer\""))
}

#[test]
fn only_pings_with_the_secret_fan_out() {
    let (only, matching) = documented();
    let without: Value = serde_json::from_str(&matching).expect("JSON");
    let requested = without["concurrency"].as_u64().expect("a number");
    let wrong = json!({"warmer": true, "concurrency": requested, "token": "another"}).to_string();
    let none = json!({"warmer": true, "concurrency": requested}).to_string();
    let options = ["--timeout", "60", "--env", &only, "--env", "PILOTLIGHT_WARM_DELAY=3000"];
    let served =
        Served::start(&[&example("slow")], &[&options[..], &["--env", "START_MS=1"]].concat());
    let ask = |event: &str| assert_eq!(served.invoke("slow", event).text(), WARMED, "{event}");

    ask(&wrong);
    ask(&none);
    let function = served.function("slow");
    assert_eq!(function["totals"]["pings"]["count"], 2, "{function:#}");
    assert_eq!(function["environments"].as_array().map(Vec::len), Some(1), "{function:#}");
    let log = served.log_with("\"skipped\"");
    assert!(log.contains("PILOTLIGHT_WARM_ONLY"), "{log}");

    // The children are pings without the secret, and are answered nevertheless.
    ask(&matching);
    let function = served.wait_for("slow", "all are warm", |function| {
        function["totals"]["pings"]["count"] == 2 + requested && function["in_flight"] == 0
    });
    assert_eq!(function["environments"].as_array().map(Vec::len), Some(5), "{function:#}");
    assert_eq!(function["totals"]["invocations"], 0);
    let secret = without["token"].as_str().expect("text");
    assert!(!served.log().contains(secret), "{}", served.log());
}
