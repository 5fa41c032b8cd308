//! Functions for another CPU than this machine's, under QEMU's emulation of their processes.

use std::path::PathBuf;
use std::process::Output;

use crate::support;
use crate::support::served;
use crate::support::served::Served;
use crate::support::served::example;

const ADA: &str = r#"{"name":"Ada"}"#;
const HELLO: &str = "{\"message\":\"Hello, Ada!\"}";

/// An example for arm64.
fn arm64(name: &str) -> PathBuf {
    support::installed("qemu-aarch64", "qemu-user");
    support::dist(&format!("arm64/examples/lib{name}.so"))
}

fn pilotlight(subcommand: &str, library: PathBuf, arguments: &[&str]) -> Output {
    let mut command = served::command();
    command.arg(subcommand).arg(library).args(arguments).output().expect("the command")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn a_library_for_arm64_runs_on_that_layer_under_emulation() {
    for architecture in [&[][..], &["--arch", "arm64"]] {
        let arguments = [&["--event", ADA, "--count", "3"], architecture].concat();
        let output = pilotlight("run", arm64("hello-c"), &arguments);
        assert_eq!(text(&output.stdout), format!("{HELLO}\n").repeat(3), "{output:?}");
        let log = text(&output.stderr);
        let said = log.matches("qemu-aarch64: times and memory are the emulator's").count();
        assert_eq!(said, 1, "{log}");
        assert_eq!(log.matches("REPORT RequestId: ").count(), 3, "{log}");
    }
}

#[test]
fn variables_reach_an_emulated_function() {
    // The runtime itself refuses this value, and so it has arrived.
    let arguments = ["--event", ADA, "--env", "_HANDLER=hello-c.wave"];
    let output = pilotlight("run", arm64("hello-c"), &arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stdout).contains("has no handler `wave`; it has `greet`"), "{output:?}");
}

#[test]
fn one_server_has_functions_of_both_architectures() {
    let libraries = [arm64("hello-c"), example("hello")];
    let [emulated, native] = &libraries;
    let served = Served::start(&[emulated, native], &["--freeze"]);
    for name in ["hello-c", "hello", "hello-c"] {
        assert_eq!(served.invoke(name, ADA).text(), HELLO, "{name}: {}", served.log());
    }
    let log = served.log_with("hello-c runs under ");
    assert!(!log.contains("hello runs under"), "{log}");
    // Frozen between invocations, and continued for the second one.
    let function = served.function("hello-c");
    assert_eq!(function["totals"]["cold"], 1, "{function:#}");
}

#[test]
fn another_architecture_than_the_librarys_is_refused_by_both_names() {
    for (library, built, asked) in
        [(arm64("hello-c"), "arm64", "x86_64"), (example("hello"), "x86_64", "arm64")]
    {
        let output = pilotlight("run", library.clone(), &["--arch", asked]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let message = format!("built for {built}, not for {asked} as --arch says");
        assert!(text(&output.stderr).contains(&message), "{output:?}");

        let output = pilotlight("check", library.clone(), &["--arch", asked]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let message =
            format!("it was built for {built}, not for {asked}\n  remedy: build it for {asked}");
        assert!(text(&output.stdout).contains(&message), "{output:?}");
        let output = pilotlight("check", library, &["--arch", built]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    let output = pilotlight("run", example("hello"), &["--arch", "arm"]);
    assert!(text(&output.stderr).contains("expected x86_64 or arm64"), "{output:?}");
}

#[test]
fn a_missing_emulator_is_named_with_its_package() {
    let mut command = served::command();
    command.arg("run").arg(arm64("hello-c")).env("PATH", "/nowhere");
    let output = command.output().expect("the command");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let message = "qemu-aarch64, which runs programs for arm64, is not on PATH";
    assert!(text(&output.stderr).contains(message), "{output:?}");
    assert!(text(&output.stderr).contains("apt install qemu-user"), "{output:?}");
}
