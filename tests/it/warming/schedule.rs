//! `pilotlight serve --warm`: pings by the clock, what they keep warm, and what they are counted as.

use serde_json::Value;
use serde_json::json;

use crate::served::Served;
use crate::served::example;

fn slow(options: &[&str]) -> Served {
    let all = [&["--timeout", "60", "--env", "START_MS=1"], options].concat();
    Served::start(&[&example("slow")], &all)
}

/// Waits until as many pings have been answered.
fn after_pings(served: &Served, count: u64) -> Value {
    served.wait_for("slow", "pings", |function| {
        function["totals"]["pings"]["count"].as_u64().is_some_and(|pings| pings >= count)
    })
}

fn spans(function: &Value) -> Vec<&Value> {
    let environments = function["environments"].as_array().expect("a list");
    environments.iter().flat_map(|one| one["spans"].as_array().expect("a list")).collect()
}

#[test]
fn a_schedule_warms_as_many_as_it_asks_for_from_the_beginning() {
    // What a busy machine takes to deliver the last child must not let the first one go.
    let options = ["--env", "PILOTLIGHT_WARM_DELAY=3000", "--idle", "7200"];
    let schedule = ["--warm", "rate(1 hour)", "--warm-concurrency", "3"];
    let served = slow(&[options, schedule].concat());
    let function = after_pings(&served, 3);
    let warming = json!({"schedule": "rate(1 hour)", "concurrency": 3, "period_ms": 3_600_000.0});
    assert_eq!(function["warming"], warming);
    let totals = &function["totals"];
    assert_eq!((&totals["pings"]["count"], &totals["pings"]["cold"]), (&json!(3), &json!(3)));
    assert_eq!((&totals["invocations"], &totals["duration_ms"]["count"]), (&json!(0), &json!(0)));
    // Two of them have waited for three seconds, and so has the one that waited for the last.
    assert!(totals["pings"]["billed_ms"].as_u64().is_some_and(|billed| billed >= 9000), "{totals}");
    assert_eq!(spans(&function).iter().filter(|span| span["kind"] == "ping").count(), 3);
    assert!(!served.log().contains("keeps nothing warm"), "{}", served.log());

    // The handler has not run, and its first invocation is a warm one.
    assert_eq!(served.invoke("slow", "{}").json()["invocation"], 1);
    let totals = served.function("slow")["totals"].clone();
    assert_eq!((&totals["cold"], &totals["warm"]), (&json!(0), &json!(1)));
    assert_eq!(totals["pings"]["count"], 3);
}

#[test]
fn pings_come_by_a_clock_that_runs_faster() {
    let served = slow(&["--warm", "rate(1 minute)", "--speed", "120", "--idle", "1000000"]);
    let function = after_pings(&served, 4);
    let starts: Vec<f64> = spans(&function)
        .iter()
        .filter(|span| span["kind"] == "ping")
        .map(|span| span["start_ms"].as_f64().expect("a time"))
        .collect();
    // Late where the machine is busy, but never early.
    for (number, start) in (0_u32..).zip(&starts) {
        assert!(*start >= f64::from(number) * 500.0, "{starts:?}");
    }
    assert_eq!(function["totals"]["pings"]["cold"], 1, "{function:#}");
    assert_eq!(function["totals"]["invocations"], 0);
}

#[test]
fn a_schedule_that_is_too_slow_keeps_nothing_warm_and_it_is_said() {
    let served = slow(&["--warm", "rate(1 minute)", "--speed", "60", "--idle", "1"]);
    served.wait_for("slow", "cold pings", |function| {
        function["totals"]["pings"]["cold"].as_u64().is_some_and(|cold| cold >= 2)
    });
    let log = served.log();
    assert!(
        log.contains("idle environments end after 1 seconds, but pings are 60 seconds apart"),
        "{log}"
    );
}

#[test]
fn where_pings_are_the_handlers_they_count_as_invocations() {
    let served = slow(&["--warm", "rate(1 hour)", "--env", "PILOTLIGHT_WARM=0"]);
    let function = served.wait_for("slow", "an invocation", |function| {
        function["totals"]["invocations"] == 1 && function["in_flight"] == 0
    });
    assert_eq!(function["totals"]["pings"]["count"], 0);
}
