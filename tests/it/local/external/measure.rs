//! `pilotlight measure`: the figures are consistent, and the files agree with the table.

use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::support;
use crate::support::served;
use crate::support::served::example;

const ADA: &str = r#"{"name":"Ada"}"#;

fn measure(arguments: &[&str]) -> Output {
    let mut command = served::command();
    command.arg("measure").arg(example("hello")).args(["--event", ADA, "--rounds", "3"]);
    command.args(arguments).output().expect("the command")
}

fn written(output: &Output, file: &std::path::Path) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&std::fs::read(file).expect("a file")).expect("JSON")
}

fn figure<'a>(of: &'a Value, name: &str) -> &'a Value {
    &of["figures"][name]
}

#[test]
fn every_figure_is_reported_beside_the_control() {
    let folder = TempDir::new().expect("a folder");
    let (json, html) = (folder.path().join("figures.json"), folder.path().join("figures.html"));
    let [json_text, html_text] = [&json, &html].map(|path| path.to_str().expect("UTF-8"));
    let output = measure(&["--json", json_text, "--html", html_text]);
    let all = written(&output, &json);
    let [limit, hello] = all["candidates"].as_array().expect("a list").as_slice() else {
        panic!("the control and the handler: {all:#}");
    };
    assert_eq!((&limit["name"], &hello["name"]), (&"limit".into(), &"hello".into()));
    // The program of raw system calls makes only the necessary ones.
    assert_eq!(limit["system_calls"], serde_json::json!({ "init": 4, "invocation": 4 }));
    assert_eq!(hello["system_calls"]["invocation"], 4);
    let table = String::from_utf8_lossy(&output.stdout);
    for name in ["init_us", "first_us", "cold_us", "steady_us", "peak_kib", "page_faults"] {
        let (figure, control) = (figure(hello, name), figure(limit, name));
        let at = |of: &Value, key: &str| of[key].as_f64().expect("a number");
        assert_eq!(figure["values"].as_array().expect("values").len(), 3, "{name}");
        assert!(at(figure, "min") > 0.0 && at(figure, "min") <= at(figure, "median"), "{figure}");
        assert!(at(figure, "median") <= at(figure, "p90"), "{figure}");
        let ratio = at(figure, "median") / at(control, "median");
        assert!((at(figure, "ratio") - ratio).abs() < 1e-9, "{figure}");
        assert!(table.contains(&format!("{ratio:.2}\n")), "{name} {ratio:.2} is not in {table}");
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("3 rounds are few: try --rounds 100"), "{stderr}");
    let page = std::fs::read_to_string(html).expect("a page");
    assert!(page.matches("<svg").count() >= 6, "a picture for each figure");
    assert_eq!(page.matches("<circle").count() % 3, 0, "a dot for each start");
    assert!(!page.contains("src=") && !page.contains("href="), "it needs nothing else");
}

#[test]
fn the_page_cache_may_be_cold_and_peers_may_have_arguments() {
    let folder = TempDir::new().expect("a folder");
    let json = folder.path().join("figures.json");
    let bootstrap = crate::support::bootstrap();
    // The same bootstrap, started by another program.
    let peer = format!("again=/usr/bin/env {}", bootstrap.display());
    let output =
        measure(&["--cold-cache", "--peer", &peer, "--json", json.to_str().expect("UTF-8")]);
    let all = written(&output, &json);
    let evicted = |index: usize| all["candidates"][index]["evicted_files"].as_u64();
    // The program; the bootstrap and the library; these two, and `env` with its own libraries.
    assert_eq!((evicted(0), evicted(1)), (Some(1), Some(2)), "{all:#}");
    assert!(evicted(2) > evicted(1), "{all:#}");
    assert_eq!(all["candidates"][2]["name"], "again");
}

#[test]
fn what_cannot_be_measured_is_named() {
    let refused = |arguments: &[&str], message: &str| {
        let output = measure(arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(message), "{stderr}");
    };
    refused(&["--peer", "missing=/nowhere/peer"], "/nowhere/peer: no such program");
    refused(&["--peer", "true=/bin/true"], "true: ended before its first /next");
    let own = format!("--control=own={}", crate::support::bootstrap().display());
    refused(&[&own, "--expect", "x"], "own: answered {\"message\":\"Hello, Ada!\"}");
    refused(&["--invocations", "0"], "--rounds and --invocations are at least 1");
    refused(&["--json", "/nowhere/file"], "cannot write /nowhere/file");
}

#[test]
fn a_share_of_a_processor_slows_all_that_comes_after_init() {
    /// Processor time of each invocation, in microseconds.
    const BURNT: f64 = 20_000.0;
    let (folder, library) = support::fixture_in_c("limits");
    let json = folder.path().join("figures.json");
    let mut command = served::command();
    command.arg("measure").arg(library).args(["--event", "\"b20\"", "--rounds", "1"]);
    command.args(["--invocations", "10", "--memory", "442", "--cpu", "lambda", "--json"]);
    let output = command.arg(&json).output().expect("the command");
    let all = written(&output, &json);
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.contains("processor: 442 MB give 0.250 of a processor"), "{table}");
    assert!((all["cpu_share"].as_f64().expect("a number") - 442.0 / 1769.0).abs() < 1e-9, "{all}");
    let steady = figure(&all["candidates"][1], "steady_us")["median"].as_f64().expect("a number");
    assert!(steady > BURNT * 2.0, "{steady}");
}
