//! Bad input and bad ends: clear messages, and no process is ever left running.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use tempfile::TempDir;

use crate::support;
use crate::support::served;
use crate::support::served::Served;
use crate::support::served::example;

/// The command lines of processes with this mark among their variables. Child processes inherit it.
pub fn marked(mark: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if String::from_utf8_lossy(&environment).contains(mark) {
            let line = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
            found.push(line.replace('\0', " "));
        }
    }
    found
}

/// A mark for the processes of one test, and the option that sets it.
pub fn mark(name: &str) -> (String, String) {
    let mark = format!("PILOTLIGHT_TEST_MARK={name}-{}", std::process::id());
    (mark.clone(), format!("--env={mark}"))
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + support::PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A layer whose bootstrap is a shell script.
fn layer(script: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let bootstrap = folder.path().join("bootstrap");
    fs::write(&bootstrap, format!("#!/bin/sh\n{script}\n")).expect("written");
    fs::set_permissions(&bootstrap, fs::Permissions::from_mode(0o755)).expect("allowed");
    folder
}

#[test]
fn bad_input_is_named() {
    let refused = |arguments: &[&str], message: &str| {
        let output = served::command().args(arguments).output().expect("the command");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(message), "{stderr}");
    };
    let echo = example("echo");
    let echo = echo.to_str().expect("UTF-8");
    refused(&["serve", "nothing.so"], "nothing.so: no such file; build the handler first");
    refused(
        &["serve", echo, echo, "--listen", "127.0.0.1:0"],
        "two libraries make a function named echo",
    );
    refused(&["serve", echo, "--credentials", "key"], "expected KEY:SECRET");
    let both = ["--reserved", "1", "--provisioned", "2"];
    refused(
        &[&["serve", echo], &both[..]].concat(),
        "--provisioned 2 is more than --reserved 1 allows",
    );
    refused(&["serve", echo, "--idle", "0"], "expected a number above zero");
    refused(&["serve", echo, "--warm", "rate(5 minute)"], "write rate(5 minutes)");
    refused(&["serve", echo, "--warm", "cron(0/5 * * * ? *)"], "cron schedules are not simulated");
    refused(&["serve", echo, "--warm-concurrency", "5"], "--warm <RATE>");
    let fast = ["serve", echo, "--warm", "rate(1 minute)", "--speed", "10000"];
    refused(&fast, "rate(1 minute) a ping every 6ms");
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address").to_string();
    refused(&["serve", echo, "--listen", &address], "the port is in use; choose another");
    let broken = layer("exit 3");
    let layer = broken.path().to_str().expect("UTF-8");
    let options = ["--listen", "127.0.0.1:0", "--provisioned", "1", "--layer", layer];
    refused(
        &[&["serve", echo], &options[..]].concat(),
        "echo: cannot initialise a provisioned environment: Runtime exited with error: exit status 3",
    );
}

#[test]
fn a_bootstrap_that_never_asks_for_work_is_ended() {
    let (mark, option) = mark("silent");
    // Its background process ends with it.
    let silent = layer("sleep 1000 & sleep 1000");
    let layer = format!("--layer={}", silent.path().display());
    let served = Served::start(&[&example("echo")], &[&option, &layer, "--timeout", "0.2"]);
    let reply = served.invoke("echo", "{}");
    assert_eq!(reply.header("x-amz-function-error"), "Unhandled");
    assert!(reply.text().contains("Task timed out after 0.20 seconds"), "{reply:?}");
    served.log_with("ms\tPhase: init\tStatus: timeout\t");
    served.log_with("ms\tPhase: invoke\tStatus: timeout\t");
    wait_until("both starts are gone", || marked(&mark).is_empty());
}

/// Ends a server with a busy and an idle or frozen environment.
fn ended_by(signal: &str, freeze: bool) {
    let (mark, option) = mark(&format!("{signal}{freeze}"));
    let faulty = example("faulty");
    let slow = example("slow");
    let libraries: [&Path; 2] = [&faulty, &slow];
    let mut options = vec![option.as_str(), "--timeout", "900", "--env", "START_MS=1"];
    options.extend(freeze.then_some("--freeze"));
    let served = Served::start(&libraries, &options);
    served.invoke("slow", "{}");
    let busy = ["invoke", "faulty", "--event", "{\"fault\":\"sleep\"}", "--endpoint", &served.url];
    let mut client = served::command()
        .args(busy)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command");
    served.wait_for("faulty", "it is busy", |function| {
        function["environments"][0]["state"] == "busy"
    });
    assert_eq!(marked(&mark).len(), 2, "two bootstraps: {:?}", marked(&mark));
    served.signal(signal);
    let (status, log) = served.wait();
    assert_eq!(status.code(), (signal != "-KILL").then_some(0), "{log}");
    wait_until("no process is left", || marked(&mark).is_empty());
    client.wait().expect("ended");
}

#[test]
fn ctrl_c_leaves_no_process_running() {
    ended_by("-INT", false);
}

#[test]
fn neither_does_the_end_of_a_service() {
    ended_by("-TERM", true);
}

#[test]
fn nor_a_death_that_cannot_be_caught() {
    ended_by("-KILL", true);
}

#[test]
fn children_that_have_left_their_group_end_too() {
    let (_folder, library) = support::fixture_in_c("strays");
    for signal in ["-INT", "-KILL"] {
        let (mark, option) = mark(&format!("strays{signal}"));
        let served = Served::start(&[&library], &[&option]);
        assert_eq!(served.invoke("strays", "{}").status, 200);
        wait_until("the stray is there", || marked(&mark).len() == 2);
        served.signal(signal);
        served.wait();
        wait_until("no process is left", || marked(&mark).is_empty());
    }
    // They also end with their environment.
    let (mark, option) = mark("strays-idle");
    let options = [&option, "--idle", "60", "--speed", "1000"];
    let served = Served::start(&[&library], &options);
    assert_eq!(served.invoke("strays", "{}").status, 200);
    wait_until("no process is left", || marked(&mark).is_empty());
    assert_eq!(served.invoke("strays", "{}").status, 200);
}

#[test]
fn a_command_whose_standard_error_is_gone_ends_at_once() {
    let (mark, option) = mark("gone");
    let mut child = served::command()
        .arg("run")
        .arg(example("faulty"))
        .args(["--event", "{\"fault\":\"sleep\"}", "--timeout", "900", &option])
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    wait_until("the bootstrap runs", || !marked(&mark).is_empty());
    drop(child.stderr.take());
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.expect("kill").success());
    let end = Instant::now() + support::PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        if Instant::now() > end {
            child.kill().expect("ended");
            panic!("it did not end");
        }
        thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(status.code(), Some(130));
    wait_until("no process is left", || marked(&mark).is_empty());
}

#[test]
fn run_and_measure_end_with_all_that_they_have_started() {
    for (command, name) in [("run", "run"), ("measure", "measure")] {
        for signal in ["-INT", "-KILL"] {
            let (mark, option) = mark(&format!("{name}{signal}"));
            let mut child = served::command()
                .arg(command)
                .arg(example("faulty"))
                .args(["--event", "{\"fault\":\"sleep\"}", "--timeout", "900", &option])
                .stderr(Stdio::null())
                .spawn()
                .expect("the command");
            // The command itself has the mark among its arguments, not among its variables.
            wait_until("the bootstrap runs", || !marked(&mark).is_empty());
            let kill = Command::new("kill").args([signal, &child.id().to_string()]).status();
            assert!(kill.expect("kill").success());
            let code = child.wait().expect("ended").code();
            assert_eq!(code, (signal == "-INT").then_some(130), "{command} {signal}");
            wait_until("no process is left", || marked(&mark).is_empty());
        }
    }
}

#[test]
fn the_working_folder_goes_too() {
    let folder = TempDir::new().expect("a folder");
    for signal in ["-INT", "-KILL"] {
        let mut child = served::command()
            .arg("serve")
            .arg(example("echo"))
            .args(["--listen", "127.0.0.1:0"])
            .env("TMPDIR", folder.path())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command");
        let entries = || fs::read_dir(folder.path()).expect("a folder").count();
        wait_until("the folder is there", || entries() == 1);
        let own = fs::read_dir(folder.path()).expect("a folder").next().expect("one").expect("it");
        let mode = own.metadata().expect("a folder").permissions().mode();
        // A signal that arrives before the handlers are installed ends the command, too.
        let kill = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(kill.expect("kill").success());
        child.wait().expect("ended");
        wait_until("the folder is gone", || entries() == 0);
        assert_eq!(mode & 0o777, 0o700, "others look into {own:?}");
    }
}
