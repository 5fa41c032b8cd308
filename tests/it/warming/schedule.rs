//! `pilotlight serve --warm`: scheduled pings, the environments that they keep warm, and the
//! counts.

use serde_json::Value;
use serde_json::json;

use crate::support::served::Served;
use crate::support::served::example;

fn slow(options: &[&str]) -> Served {
    let all = [&["--timeout", "60", "--env", "START_MS=1"], options].concat();
    Served::start(&[&example("slow")], &all)
}

/// Waits until `count` pings have been answered.
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
fn a_schedule_warms_as_many_as_it_asks_for_from_the_start() {
    // Long enough that on a busy machine the first child still runs when the last one arrives.
    let options = ["--env", "PILOTLIGHT_WARM_DELAY=3000", "--idle", "7200"];
    let schedule = ["--warm", "rate(1 hour)", "--warm-concurrency", "3"];
    let served = slow(&[options, schedule].concat());
    let function = after_pings(&served, 3);
    let warming = json!({"schedule": "rate(1 hour)", "concurrency": 3, "period_ms": 3_600_000.0});
    assert_eq!(function["warming"], warming);
    let totals = &function["totals"];
    assert_eq!((&totals["pings"]["count"], &totals["pings"]["cold"]), (&json!(3), &json!(3)));
    assert_eq!((&totals["invocations"], &totals["duration_ms"]["count"]), (&json!(0), &json!(0)));
    // Two children have waited for three seconds, and so has the ping that waited for the last one.
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
fn the_speed_of_the_clock_applies_to_schedules() {
    let served = slow(&["--warm", "rate(1 minute)", "--speed", "120", "--idle", "1000000"]);
    let function = after_pings(&served, 4);
    let starts: Vec<f64> = spans(&function)
        .iter()
        .filter(|span| span["kind"] == "ping")
        .map(|span| span["start_ms"].as_f64().expect("a time"))
        .collect();
    // A busy machine may delay pings, but none is early.
    for (number, start) in (0_u32..).zip(&starts) {
        assert!(*start >= f64::from(number) * 500.0, "{starts:?}");
    }
    assert_eq!(function["totals"]["pings"]["cold"], 1, "{function:#}");
    assert_eq!(function["totals"]["invocations"], 0);
}

#[test]
fn a_schedule_that_is_too_slow_is_reported() {
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
fn pings_count_as_invocations_if_warming_is_off() {
    let served = slow(&["--warm", "rate(1 hour)", "--env", "PILOTLIGHT_WARM=0"]);
    let function = served.wait_for("slow", "an invocation", |function| {
        function["totals"]["invocations"] == 1 && function["in_flight"] == 0
    });
    assert_eq!(function["totals"]["pings"]["count"], 0);
}
