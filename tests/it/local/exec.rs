//! `pilotlight serve --exec`: a command as the server's client.

use std::io::BufRead as _;
use std::io::BufReader;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use crate::local::ends::mark;
use crate::local::ends::marked;
use crate::support::served;
use crate::support::served::example;

/// Serves `faulty` for a shell script, which finds this command as `$0`.
fn serve(options: &[&str], script: &str) -> Command {
    let command = served::command();
    let program = command.get_program().to_owned();
    let mut command = command;
    command.arg("serve").arg(example("faulty")).args(["--listen", "127.0.0.1:0"]).args(options);
    command.args(["--exec", "sh", "-c", script]).arg(program);
    command
}

fn output(options: &[&str], script: &str) -> Output {
    serve(options, script).output().expect("the command")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// An invocation by the script.
fn invocation(fault: &str) -> String {
    format!(
        "\"$0\" invoke faulty --event '{{\"fault\":\"{fault}\"}}' \
         --endpoint \"$AWS_ENDPOINT_URL_LAMBDA\"; "
    )
}

#[test]
fn a_command_is_served_and_its_exit_code_is_passed_on() {
    let (mark, option) = mark("exec");
    let script = [invocation("none"), invocation("none"), invocation("error"), "exit 7".into()];
    let output = output(&[&option], &script.concat());
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    assert!(text(&output.stdout).starts_with("{\"fault\":null}"), "{output:?}");
    let log = text(&output.stderr);
    let summary = log.lines().last().expect("a line");
    let counts = "faulty: invocations: 3, cold starts: 1, errors: 1, throttles: 0, \
                  Init Duration: p50 ";
    assert!(summary.contains(counts) && summary.contains(", Duration: p50 "), "{log}");
    assert!(marked(&mark).is_empty(), "{:?}", marked(&mark));
}

#[test]
fn throttles_are_counted() {
    let output = output(&["--reserved", "0"], &invocation("none"));
    let log = text(&output.stderr);
    let summary = "faulty: invocations: 0, cold starts: 0, errors: 0, throttles: 1\n";
    assert!(log.ends_with(summary), "{log}");
}

#[test]
fn a_commands_arguments_and_variables_are_its_own() {
    let unset = ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"];
    let of = |options: &[&str], set: &[(&str, &str)]| {
        let mut command = serve(options, "env; echo \"$1 $2\"");
        for name in unset {
            command.env_remove(name);
        }
        let output = command.args(["--timeout", "x"]).envs(set.iter().copied()).output();
        let output = output.expect("the command");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        text(&output.stdout).to_owned()
    };
    let shown = of(&[], &[]);
    assert!(shown.ends_with("\n--timeout x\n"), "{shown}");
    let endpoint = "AWS_ENDPOINT_URL_LAMBDA=http://127.0.0.1:";
    for variable in [endpoint, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=local"] {
        assert!(shown.lines().any(|line| line.starts_with(variable)), "{variable}: {shown}");
    }
    let shown = of(&[], &[("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "own")]);
    for variable in ["AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=own"] {
        assert!(shown.lines().any(|line| line == variable), "{variable}: {shown}");
    }
    let shown = of(&["--credentials", "key:secret"], &[("AWS_ACCESS_KEY_ID", "own")]);
    assert!(shown.lines().any(|line| line == "AWS_ACCESS_KEY_ID=key"), "{shown}");
}

#[test]
fn a_signal_is_passed_on() {
    let (mark, option) = mark("exec-signal");
    let script = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done";
    let mut command = serve(&[&option, "--provisioned", "1"], script);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the command");
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    stdout.read_line(&mut line).expect("a line");
    assert_eq!((line.as_str(), marked(&mark).len()), ("ready\n", 1));
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
    assert_eq!(child.wait().expect("ended").code(), Some(9));
    assert!(marked(&mark).is_empty(), "{:?}", marked(&mark));
}

#[test]
fn ends_by_signals_and_missing_commands_are_told_apart() {
    assert_eq!(output(&[], "kill -KILL $$").status.code(), Some(128 + 9));
    let mut missing = served::command();
    missing.arg("serve").arg(example("faulty")).args(["--listen", "127.0.0.1:0"]);
    let output = missing.args(["--exec", "no-such-command"]).output().expect("the command");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("cannot run no-such-command: "), "{output:?}");
}
