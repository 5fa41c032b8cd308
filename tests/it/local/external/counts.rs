//! `pilotlight measure` where it counts a program's work and takes no times.

use std::path::Path;
use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::support;
use crate::support::served;
use crate::support::served::example;

fn measure(library: &Path, arguments: &[&str]) -> Output {
    let mut command = served::command();
    command.arg("measure").arg(library).args(["--event", r#"{"name":"Ada"}"#]);
    command.args(arguments).output().expect("the command")
}

/// The table, and the figures of each candidate.
fn measured(library: &Path, arguments: &[&str]) -> (String, Vec<Value>) {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("figures.json");
    let json = ["--json", file.to_str().expect("UTF-8")];
    let output = measure(library, &[arguments, &json].concat());
    assert!(output.status.success(), "{output:?}");
    let figures = std::fs::read(&file).expect("a file");
    let mut figures: Value = serde_json::from_slice(&figures).expect("JSON");
    let candidates = figures["candidates"].as_array_mut().expect("a list");
    (String::from_utf8(output.stdout).expect("UTF-8"), std::mem::take(candidates))
}

fn arm64() -> PathBuf {
    support::installed("qemu-aarch64", "qemu-user");
    support::dist("arm64/examples/libhello-c.so")
}

#[test]
fn an_emulated_programs_work_is_counted_and_not_timed() {
    let (table, counted) = measured(&arm64(), &[]);
    let [limit, hello] = counted.as_slice() else { panic!("control and handler: {counted:#?}") };
    assert_eq!((&limit["name"], &limit["architecture"]), (&"limit".into(), &"arm64".into()));
    // The program of raw system calls makes only the necessary ones.
    assert_eq!(limit["system_calls"], serde_json::json!({ "init": 4, "invocation": 4 }));
    assert_eq!((&hello["name"], &hello["architecture"]), (&"hello-c".into(), &"arm64".into()));
    let count = |figure: &str, of: &str| hello[figure][of].as_u64().expect("a number");
    assert!((10_000..200_000).contains(&count("instructions", "init")), "{hello:#}");
    assert!((100..100_000).contains(&count("instructions", "invocation")), "{hello:#}");
    assert!((15..50).contains(&count("system_calls", "init")), "{hello:#}");
    assert_eq!(count("system_calls", "invocation"), 4, "{hello:#}");
    // Without perf, or without the right to use it, they are not counted.
    let faults = &hello["page_faults"]["init"];
    assert!(
        faults.is_null() || (5..100).contains(&faults.as_u64().expect("a number")),
        "{hello:#}"
    );
    assert!(table.contains("hello-c              arm64"), "{table}");
    for word in ["µs", "KiB", "ratio"] {
        assert!(!table.contains(word), "{table}");
    }
}

#[test]
fn system_calls_are_those_that_strace_counts_without_emulation() {
    support::installed("qemu-x86_64", "qemu-user");
    let hello = example("hello-c");
    let (_, counted) = measured(&hello, &["--counts"]);
    let (_, timed) = measured(&hello, &["--rounds", "1", "--invocations", "1"]);
    assert_eq!(counted.len(), 2, "the control and the handler");
    for (counted, timed) in counted.iter().zip(&timed) {
        assert_eq!(counted["system_calls"], timed["system_calls"], "{counted:#}");
    }
}

#[test]
fn what_needs_times_is_refused() {
    for (arguments, message) in [
        (&["--html", "/nowhere/page"][..], "limit is for another CPU, so nothing is timed"),
        (&["--cold-cache"], "limit is for another CPU, so nothing is timed"),
        (&["--counts", "--cold-cache"], "'--counts' cannot be used with '--cold-cache'"),
        (&["--expect", "x"], "hello-c: answered {\"message\":\"Hello, Ada!\"}"),
        (&["--peer", "script=/usr/bin/ldd"], "/usr/bin/ldd: a script, or for another CPU"),
    ] {
        let output = measure(&arm64(), arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(message), "{stderr}");
    }
}
