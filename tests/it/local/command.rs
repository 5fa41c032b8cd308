//! The `pilotlight` command line.

use std::io::Write as _;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use crate::support;

fn pilotlight(arguments: &[&str]) -> Output {
    Command::new(support::dist("bin/pilotlight"))
        .current_dir(support::root())
        .args(arguments)
        .output()
        .expect("run")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

const HELLO: &str = "dist/examples/libhello.so";

#[test]
fn run_prints_responses_and_lambdas_own_lines() {
    let output = pilotlight(&["run", HELLO, "--event", r#"{"name":"Ada"}"#, "--count", "3"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(text(&output.stdout), "{\"message\":\"Hello, Ada!\"}\n".repeat(3));
    let log: Vec<&str> = text(&output.stderr).lines().collect();
    assert_eq!(log.len(), 9, "{log:?}");
    for (number, lines) in log.chunks(3).enumerate() {
        let id = lines[0]
            .strip_prefix("START RequestId: ")
            .and_then(|rest| rest.strip_suffix(" Version: $LATEST"))
            .expect("a START line");
        assert_eq!(id.len(), 36);
        assert_eq!(lines[1], format!("END RequestId: {id}"));
        let fields = lines[2].split('\t').filter(|field| !field.starts_with("Runtime Overhead: "));
        let fields: Vec<&str> = fields.collect();
        assert_eq!(fields[0], format!("REPORT RequestId: {id}"));
        let number_of = |index: usize, name: &str, unit: &str| -> f64 {
            let field = fields[index].strip_prefix(name).and_then(|rest| rest.strip_suffix(unit));
            field.unwrap_or_else(|| panic!("{}", fields[index])).trim().parse().expect("a number")
        };
        let duration = number_of(1, "Duration:", "ms");
        let billed = number_of(2, "Billed Duration:", "ms");
        assert!(duration > 0.0 && billed >= duration, "{}", lines[2]);
        number_of(3, "Memory Size:", "MB");
        assert!(number_of(4, "Max Memory Used:", "MB") >= 1.0);
        // Only the first one was cold.
        assert_eq!(fields.len(), if number == 0 { 6 } else { 5 }, "{}", lines[2]);
        if number == 0 {
            assert!(number_of(5, "Init Duration:", "ms") > 0.0);
        }
    }
}

#[test]
fn run_passes_environment_memory_and_events_on() {
    let output = pilotlight(&[
        "run",
        "dist/examples/libcontext.so",
        "--memory",
        "512",
        "--env",
        "_X_AMZN_TRACE_ID=stale",
    ]);
    let context: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(context["memorySizeMb"], 512);
    // The invocation's own trace id replaced the variable.
    assert_eq!(context["traceId"], context["traceIdVariable"]);

    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), r#"{"name":"file"}"#).expect("written");
    let event = format!("@{}", file.path().display());
    let output = pilotlight(&["run", HELLO, "--event", &event]);
    assert_eq!(text(&output.stdout), "{\"message\":\"Hello, file!\"}\n");

    let mut child = Command::new(support::dist("bin/pilotlight"))
        .args([
            "run",
            support::dist("examples/libecho.so").to_str().expect("UTF-8"),
            "--event",
            "-",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("run");
    child.stdin.take().expect("a pipe").write_all(b"from a pipe").expect("written");
    let output = child.wait_with_output().expect("ended");
    assert_eq!(text(&output.stdout), "from a pipe\n");
}

#[test]
fn the_handlers_own_output_is_shown() {
    let library = support::fixture_crate("stock");
    let library = library.to_str().expect("UTF-8");
    let output = pilotlight(&["run", library, "--handler", "process"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text(&output.stderr).contains("\na line on standard output\n"), "{output:?}");
}

#[test]
fn what_c_prints_is_out_before_the_invocation_ends() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let library = folder.path().join("libprinting.so");
    let source = support::root().join("tests/fixtures/c/printing.c");
    support::compile(&source, &["-shared", "-fPIC"], &library);
    let output = pilotlight(&["run", library.to_str().expect("UTF-8")]);
    let log = text(&output.stderr);
    let printed = log.find("printed 1 without a line's end;").expect("printed");
    assert!(printed < log.find("END RequestId").expect("an END line"), "{log}");
}

#[test]
fn a_failed_invocation_is_shown_and_makes_exit_code_1() {
    let faulty = "dist/examples/libfaulty.so";
    let fault = |fault: &str, more: &[&str]| {
        let event = format!("{{\"fault\":\"{fault}\"}}");
        pilotlight(&[&["run", faulty, "--count", "2", "--event", &event], more].concat())
    };
    let error = fault("error", &[]);
    assert_eq!(error.status.code(), Some(1));
    assert!(text(&error.stdout).contains("\"errorType\":\"RequestedError\""));

    // A dead process is replaced within the next invocation's own time.
    let segv = fault("segv", &[]);
    assert_eq!(segv.status.code(), Some(1));
    let answers = text(&segv.stdout);
    assert_eq!(answers.matches("\"errorType\":\"SegmentationFault\"").count(), 2);
    assert_eq!(text(&segv.stderr).matches("Init Duration").count(), 1);

    let slow = fault("sleep", &["--timeout", "0.2"]);
    assert_eq!(slow.status.code(), Some(1));
    assert_eq!(text(&slow.stdout).matches("Task timed out after 0.20 seconds").count(), 2);
    assert_eq!(text(&slow.stderr).matches("Task timed out after 0.20 seconds").count(), 2);
}

#[test]
fn a_library_with_symbols_shows_the_frames_of_a_panic_and_the_function_of_a_fault() {
    let build = ["build", "-p", "faulty", "--target-dir", "target/unstripped"];
    let whole = ["--config", "profile.release.strip=false"];
    let built = support::cargo(".", &[&build[..], &whole].concat());
    let library = support::library(&built, "faulty");
    let library = library.to_str().expect("UTF-8");
    let answer = |event: &str| {
        let output = pilotlight(&["run", library, "--event", event, "--env", "RUST_BACKTRACE=1"]);
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON")
    };
    let frames = answer(r#"{"fault":"panic"}"#)["stackTrace"].to_string();
    assert!(frames.contains("std::panicking"), "{frames}");
    assert!(frames.contains("faulty::"), "{frames}");
    let fault = answer(r#"{"fault":"segv"}"#)["errorMessage"].to_string();
    assert!(fault.contains("faulty"), "{fault}");
    assert!(fault.contains("libfaulty.so+0x") && fault.contains(" (_"), "{fault}");
}

#[test]
fn a_handler_that_cannot_be_loaded_is_shown() {
    let output = pilotlight(&["run", HELLO, "--handler", "wave"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stdout).contains("has no handler `wave`; it has `greet`"));
    assert!(text(&output.stderr).contains("INIT_REPORT"), "{output:?}");
}

#[test]
fn bad_arguments_are_named_and_make_exit_code_2() {
    let refused = |arguments: &[&str], message: &str| {
        let output = pilotlight(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(message), "{arguments:?}: {}", text(&output.stderr));
    };
    refused(&["run", "nothing.so"], "nothing.so: no such file; build the handler first");
    refused(
        &["run", "Cargo.toml"],
        "Cargo.toml: the file name of a handler library must end with .so",
    );
    refused(&["run", HELLO, "--event", "@nothing"], "cannot read the event from nothing");
    refused(&["run", HELLO, "--env", "NAME"], "expected NAME=VALUE");
    refused(&["run", HELLO, "--timeout", "0"], "expected a number of seconds");
    refused(&["run", HELLO, "--layer", "nothing"], "nothing/bootstrap: no such file; run");
    refused(&["invoke"], "<NAME>");
}

#[test]
fn run_takes_a_snapshot_and_shows_its_phases() {
    let library = support::fixture_crate("hooks");
    let library = library.to_str().expect("UTF-8");
    let arguments = ["run", "--snapstart", library, "--event", "\"\""];
    let output = pilotlight(&arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(text(&output.stdout), "\"init before_snapshot after_restore run\"\n");
    let log: Vec<&str> = text(&output.stderr).lines().collect();
    assert!(log[0].starts_with("INIT_REPORT Init Duration: "), "{log:?}");
    assert!(log[0].ends_with(" ms\tPhase: init"), "{log:?}");
    assert!(log[1].starts_with("RESTORE_REPORT Restore Duration: "), "{log:?}");
    let report = log.last().expect("lines");
    assert!(report.contains("\tRestore Duration: "), "{report}");
    assert!(report.contains("\tBilled Restore Duration: "), "{report}");
    assert!(!report.contains("\tInit Duration: "), "{report}");

    let failing = [&arguments[..], &["--env", "FAIL=after_restore"]].concat();
    let output = pilotlight(&failing);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stdout).contains("\"errorType\":\"Runtime.AfterRestoreError\""));
    let log = text(&output.stderr);
    let status = "\tStatus: error\tError Type: Runtime.AfterRestoreError\tError: the runtime ";
    assert!(log.lines().any(|line| line.starts_with("RESTORE_REPORT ") && line.contains(status)));
}

#[test]
fn the_report_names_the_time_after_the_answer() {
    let library = support::fixture_crate("hooks");
    let library = library.to_str().expect("UTF-8");
    let output = pilotlight(&["run", library, "--event", "\"\"", "--env", "LINGER_MS=20"]);
    let log = text(&output.stderr);
    let report = log.lines().last().expect("lines");
    let (_, overhead) = report.rsplit_once("\tRuntime Overhead: ").expect(report);
    let overhead: f64 = overhead.strip_suffix(" ms").expect("its unit").parse().expect("a number");
    assert!(overhead >= 20.0, "{report}");
    let (_, billed) = report.split_once("\tBilled Duration: ").expect("a REPORT line");
    let (billed, _) = billed.split_once(" ms").expect("its unit");
    assert!(billed.parse::<f64>().expect("a number") >= 20.0, "{report}");
}

#[test]
fn the_log_of_a_time_out_says_where_the_handler_was() {
    let (_folder, library) = support::fixture_in_c("hangs");
    let library = library.to_str().expect("UTF-8");
    let gate = "PILOTLIGHT_TEST_GATE=/nonexistent";
    let run = ["run", library, "--event", "\"sleep\"", "--env", gate, "--timeout", "0.5"];
    let output = pilotlight(&run);
    let log = text(&output.stderr);
    let (before, _) = log.split_once(" Task timed out after ").expect(log);
    assert!(
        before.contains("\tWARN\tpilotlight: still running ") && before.contains("(sleep_here+")
    );
    let off = [&run[..], &["--env", "PILOTLIGHT_TIMEOUT_REPORT=0"]].concat();
    assert!(!text(&pilotlight(&off).stderr).contains("still running"));
}
