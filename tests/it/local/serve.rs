//! Many execution environments: placement, freezing, replacement and their ends.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::support;
use crate::support::served::Reply;
use crate::support::served::Served;
use crate::support::served::example;

/// Concurrent invocations of `slow`.
fn at_once(served: &Served, count: usize, sleep_ms: u64) -> Vec<Reply> {
    let event = format!("{{\"sleep_ms\":{sleep_ms}}}");
    thread::scope(|scope| {
        let calls: Vec<_> =
            (0..count).map(|_| scope.spawn(|| served.invoke("slow", &event))).collect();
        calls.into_iter().map(|call| call.join().expect("answered")).collect()
    })
}

fn environments(function: &Value) -> Vec<&Value> {
    function["environments"].as_array().expect("a list").iter().collect()
}

fn in_state<'a>(function: &'a Value, state: &str) -> Vec<&'a Value> {
    environments(function).into_iter().filter(|one| one["state"] == state).collect()
}

fn slow(options: &[&str]) -> Served {
    let all = [&["--timeout", "60", "--env", "START_MS=20"], options].concat();
    Served::start(&[&example("slow")], &all)
}

#[test]
fn a_free_environment_is_taken_and_else_a_new_one_is_made() {
    let served = slow(&[]);
    for reply in at_once(&served, 5, 1500) {
        assert_eq!(reply.json()["invocation"], 1);
    }
    let function = served.function("slow");
    assert_eq!((&function["totals"]["cold"], &function["totals"]["warm"]), (&5.into(), &0.into()));
    // Sequential invocations all go to the most recently used environment.
    let processes: Vec<Value> =
        (0..5).map(|_| served.invoke("slow", "{}").json()["process"].clone()).collect();
    assert!(processes.iter().all(|process| *process == processes[0]), "{processes:?}");
    let function = served.function("slow");
    assert_eq!((&function["totals"]["cold"], &function["totals"]["warm"]), (&5.into(), &5.into()));
    assert_eq!(in_state(&function, "idle").len(), 5);
    let init = function["totals"]["init_ms"]["median"].as_f64().expect("a figure");
    assert!(init >= 20.0, "{init}");
}

#[test]
fn beyond_the_reserved_concurrency_invocations_are_refused() {
    let served = slow(&["--reserved", "2"]);
    let replies = at_once(&served, 6, 1500);
    let refused: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 429).collect();
    assert_eq!(refused.len(), 4, "{replies:?}");
    for reply in refused {
        assert_eq!(reply.header("x-amzn-errortype"), "TooManyRequestsException");
        assert_eq!(reply.header("retry-after"), "1");
        let reason = "ReservedFunctionConcurrentInvocationLimitExceeded";
        assert_eq!(reply.json()["Reason"], reason);
        assert_eq!(reply.json()["message"], "Rate Exceeded.");
    }
    assert_eq!(served.function("slow")["totals"]["throttles"], 4);
    assert_eq!(served.invoke("slow", "{}").status, 200);
    let none = slow(&["--reserved", "0"]);
    assert_eq!(none.invoke("slow", "{}").status, 429);
}

#[test]
fn provisioned_environments_are_there_before_and_replaced_after() {
    let faulty = example("faulty");
    let context = example("context");
    let served = Served::start(&[&faulty, &context], &["--provisioned", "2"]);
    let function = served.function("faulty");
    assert_eq!(in_state(&function, "idle").len(), 2, "{function:#}");
    assert!(environments(&function).iter().all(|one| one["provisioned"] == true));
    assert_eq!(served.invoke("faulty", "{}").text(), "{\"fault\":null}");
    let totals = &served.function("faulty")["totals"];
    assert_eq!((&totals["cold"], &totals["warm"]), (&0.into(), &1.into()));
    assert_eq!(served.invoke("faulty", "{\"fault\":\"segv\"}").status, 200);
    let replaced = |function: &Value| {
        in_state(function, "ended").len() == 1 && in_state(function, "idle").len() == 2
    };
    served.wait_for("faulty", "the one that died is replaced", replaced);
}

#[test]
fn idle_environments_end_after_their_time() {
    // Three of Lambda's minutes are 0.18 s here.
    let served = slow(&["--idle", "180", "--speed", "1000"]);
    served.invoke("slow", "{}");
    let ended = |function: &Value| in_state(function, "ended").len() == 1;
    let function = served.wait_for("slow", "it ends", ended);
    let environment = environments(&function)[0];
    let spans = environment["spans"].as_array().expect("a list");
    let used = spans.last().and_then(|span| span["end_ms"].as_f64()).expect("a time");
    let idle_ms = environment["since_ms"].as_f64().expect("a time") - used;
    assert!(idle_ms >= 180.0, "after {idle_ms} ms");
    assert_eq!(served.invoke("slow", "{}").json()["invocation"], 1);
}

#[test]
fn a_frozen_environment_stands_still_and_goes_on() {
    let served = slow(&["--freeze"]);
    let first = served.invoke("slow", "{}").json();
    let process = &first["process"];
    let state = || {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("a process");
        stat.rsplit_once(") ").expect("fields").1.chars().next()
    };
    // The kernel delivers the signal with a short delay.
    let stands_still = || {
        served.wait_for("slow", "it is stopped", |_| state() == Some('T'));
    };
    stands_still();
    assert_eq!(in_state(&served.function("slow"), "frozen").len(), 1);
    let second = served.invoke("slow", "{}").json();
    assert_eq!((&second["process"], &second["invocation"]), (process, &2.into()));
    stands_still();
}

#[test]
fn a_library_that_was_built_anew_replaces_the_environments() {
    let folder = TempDir::new().expect("a folder");
    let library = folder.path().join("libslow.so");
    let place = |from: &Path| {
        // As linkers do: replaces the file instead of writing into it.
        let new = folder.path().join("new");
        fs::copy(from, &new).expect("copied");
        fs::rename(&new, &library).expect("renamed");
    };
    place(&example("slow"));
    let served = Served::start(&[&library], &["--watch", "--env", "START_MS=1"]);
    assert_eq!(served.invoke("slow", "{}").json()["invocation"], 1);
    place(&example("echo"));
    served.wait_for("slow", "replaced", |function| in_state(function, "ended").len() == 1);
    assert_eq!(served.invoke("slow", "[\"echoed\"]").text(), "[\"echoed\"]");
    served.log_with("slow was rebuilt");
}

#[test]
fn after_a_crash_or_a_time_out_the_environment_starts_again_within_the_invocation() {
    let (folder, library) = support::fixture_in_c("environment");
    let served = Served::start(&[&library], &["--timeout", "2"]);
    assert_eq!(served.invoke("environment", "\"keep\"").text(), "0 invocations before, kept 0");
    assert_eq!(served.invoke("environment", "\"keep\"").text(), "1 invocations before, kept 1");
    let crashed = served.invoke("environment", "\"crash\"");
    assert_eq!(crashed.header("x-amz-function-error"), "Unhandled");
    // Its memory is lost and its /tmp is not.
    assert_eq!(served.invoke("environment", "\"keep\"").text(), "0 invocations before, kept 1");
    let late = served.invoke_with("environment", "\"sleep\"", &[("X-Amz-Log-Type", "Tail")]);
    assert_eq!(late.json()["errorType"], "Sandbox.Timedout");
    let message = late.json()["errorMessage"].as_str().expect("text").to_owned();
    assert!(message.ends_with("Error: Task timed out after 2.00 seconds"), "{message}");
    let tail = STANDARD.decode(late.header("x-amz-log-result")).expect("base64");
    let tail = String::from_utf8(tail).expect("UTF-8");
    assert!(tail.contains("Duration: 2000.00 ms\tBilled Duration: 2000 ms"), "{tail}");
    assert_eq!(served.invoke("environment", "\"keep\"").text(), "0 invocations before, kept 1");
    let function = served.function("environment");
    assert_eq!(environments(&function).len(), 1, "all in one environment");
    let spans = function["environments"][0]["spans"].as_array().expect("spans");
    let kinds: Vec<&str> = spans.iter().filter_map(|span| span["kind"].as_str()).collect();
    let invocation = "invocation";
    let expected = [
        "init", invocation, invocation, invocation, "reinit", invocation, invocation, "reinit",
        invocation,
    ];
    assert_eq!(kinds, expected);
    // The machine's own /tmp is untouched.
    drop(served);
    drop(folder);
    assert!(!Path::new("/tmp/pilotlight-kept").exists());
}

#[test]
fn a_failing_init_is_tried_again_within_the_invocation() {
    let (_folder, library) = support::fixture_in_c("environment");
    let once = ["--env", "FAIL_INIT=once"];
    let served = Served::start(&[&library], &once);
    // The second start finds the file that the first one left in /tmp.
    assert_eq!(served.invoke("environment", "\"keep\"").text(), "0 invocations before, kept 0");
    let log = served.log_with("REPORT RequestId");
    assert_eq!(log.matches("\tPhase: init\tStatus: error\t").count(), 1, "{log}");
    assert_eq!(log.matches("\tPhase: invoke\t").count(), 0, "{log}");
    assert!(!log.contains("MB\tInit Duration"), "{log}");
    let always = Served::start(&[&library], &["--env", "FAIL_INIT=always"]);
    let failed = always.invoke("environment", "\"keep\"");
    assert_eq!(failed.header("x-amz-function-error"), "Unhandled");
    assert!(failed.text().contains("asked to fail"), "{failed:?}");
    let failures = "\tPhase: invoke\tStatus: error\t";
    assert_eq!(always.log_with(failures).matches(failures).count(), 1);
}

#[test]
fn lines_of_many_environments_are_whole_and_say_whose_they_are() {
    let (_folder, library) = support::fixture_in_c("lines");
    let served = Served::start(&[&library], &["--timeout", "60"]);
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| assert_eq!(served.invoke("lines", "{}").status, 200));
        }
    });
    let count = served.function("lines")["totals"]["cold"].as_u64().expect("a number");
    served.signal("-INT");
    let (_, log) = served.wait();
    let written: Vec<&str> = log.lines().filter(|line| line.contains("part")).collect();
    assert_eq!(written.len(), 2000, "{log}");
    let mut numbers = BTreeSet::new();
    for line in written {
        let rest = line.strip_prefix("lines#").unwrap_or_else(|| panic!("a label: {line}"));
        let (number, text) = rest.split_once(" | ").expect("a label's end");
        numbers.insert(number.parse::<u64>().expect("a number"));
        assert_eq!(text, "the first part, the second");
    }
    assert_eq!(numbers, (1..=count).collect(), "each environment has written");
}

#[test]
fn more_than_a_thousand_events_wait_for_their_turn() {
    // A throttled event first waits a second, which is 2 ms here. None is handled while the only
    // environment starts.
    let served = slow(&["--reserved", "1", "--speed", "500", "--env", "START_MS=8000"]);
    let event = [("X-Amz-Invocation-Type", "Event")];
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for number in 0..300 {
                    let reply = served.invoke_with("slow", "{}", &event);
                    assert_eq!(reply.status, 202, "event {number}: {reply:?}");
                }
            });
        }
    });
    let all = |function: &Value| function["totals"]["invocations"] == 1200;
    let function = served.wait_for("slow", "all events are handled", all);
    assert_eq!(function["totals"]["errors"], 0);
    assert_eq!(environments(&function).len(), 1);
}

#[test]
fn the_error_of_an_invocation_is_shown() {
    let (_folder, library) = support::fixture_in_c("environment");
    let failing = ["--env", "FAIL_INIT=always"];
    let served = Served::start(&[&example("faulty"), &library], &failing);
    served.invoke("faulty", "{\"fault\":\"error\"}");
    served.invoke("faulty", "{\"fault\":\"exit\"}");
    served.invoke("faulty", "{}");
    served.invoke("environment", "{}");
    let errors = |name: &str| -> Vec<Value> {
        let function = served.function(name);
        let spans = function["environments"][0]["spans"].as_array().expect("spans").clone();
        spans.into_iter().map(|span| span["error"].clone()).collect()
    };
    let shown = errors("faulty");
    let asked = json!({ "type": "RequestedError", "message": "this error was asked for" });
    assert_eq!((&shown[0], &shown[1]), (&Value::Null, &asked), "{shown:#?}");
    let exit = shown[2]["message"].as_str().expect("text");
    assert!(exit.contains("exit code 3") || exit.contains("exit status 3"), "{exit}");
    assert_eq!(shown.last(), Some(&Value::Null), "{shown:#?}");
    let init = &errors("environment")[0];
    assert_eq!(init["message"], "asked to fail", "{init}");
}

#[test]
fn a_frozen_function_with_a_shutdown_hook_is_told_of_its_end() {
    let (_folder, library) = support::fixture_in_c("ends");
    let served = Served::start(&[&library], &["--freeze", "--idle", "60", "--speed", "1000"]);
    assert_eq!(served.invoke("ends", "{}").status, 200);
    served.wait_for("ends", "it ends", |function| in_state(function, "ended").len() == 1);
    served.signal("-INT");
    let (status, log) = served.wait();
    assert!(status.success(), "{log}");
    assert!(log.contains("the last work"), "{log}");
}

#[test]
fn a_process_may_take_several_invocations_at_once() {
    let served = slow(&["--max-concurrency", "3"]);
    // They arrive while the process starts, and wait for it.
    let replies = at_once(&served, 3, 1500);
    let processes: Vec<Value> =
        replies.iter().map(|reply| reply.json()["process"].clone()).collect();
    assert!(processes.iter().all(|process| *process == processes[0]), "{replies:?}");
    let function = served.function("slow");
    assert_eq!((&function["totals"]["cold"], &function["totals"]["warm"]), (&1.into(), &2.into()));
    // A fourth concurrent invocation goes to another process.
    let replies = at_once(&served, 4, 1500);
    let others = replies.iter().filter(|reply| reply.json()["process"] != processes[0]).count();
    assert_eq!(others, 1, "{replies:?}");
}
