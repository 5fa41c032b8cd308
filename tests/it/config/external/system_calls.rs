//! The system calls of a read, as strace sees them.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::json;
use tempfile::NamedTempFile;

use crate::config::Running;
use crate::config::Setting;

#[test]
fn a_read_makes_no_system_call() {
    let setting = Setting::of("cost", "limit=env:LIMIT").set("LIMIT", "{\"most\":1}");
    let mut running = setting.start();
    running.try_invoke("1");
    let calls = |running: &mut Running, rounds: u32| {
        let trace = NamedTempFile::new().expect("a file");
        let mut strace = Command::new("strace")
            .args(["-f", "-q", "-s", "200", "-o"])
            .arg(trace.path())
            .args(["-p", &running.child.id().to_string()])
            .spawn()
            .expect("strace");
        while !is_traced(running.child.id()) {
            let ended = strace.try_wait().expect("a child");
            assert!(ended.is_none(), "strace cannot attach: {ended:?}");
            thread::sleep(Duration::from_millis(1));
        }
        running.invoke(&json!(rounds));
        let _ = Command::new("kill").arg(strace.id().to_string()).status();
        strace.wait().expect("ended");
        let trace = fs::read_to_string(trace.path()).expect("a trace");
        // The trace spans the invocation: its answer and the next `/next`.
        for call in ["/response", "/next"] {
            assert!(trace.contains(call), "strace missed {call}:\n{trace}");
        }
        trace.lines().count()
    };
    let (few, many) = (calls(&mut running, 1), calls(&mut running, 10_000));
    assert!(many <= few + 20, "{few} system calls with few reads, {many} with many");
}

/// Whether all threads of a process have a tracer.
fn is_traced(process: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("a process");
    threads.map(|thread| thread.expect("a thread").path().join("status")).all(|status| {
        let status = fs::read_to_string(status).unwrap_or_default();
        status.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
    })
}
