//! A new function with the template for AWS's SAM: the file that SAM builds, under AWS's emulator.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::emulators::rie::Rie;
use crate::support;
use crate::support::arch::arch;

/// Runs a program of a user who has the command in the PATH; it must succeed.
fn run(program: &str, arguments: &[&str], folder: &Path) {
    let mut path = support::root().join("dist/bin").into_os_string();
    for more in [support::tools().join("sam/bin").into(), env::var_os("PATH").unwrap_or_default()] {
        path.push(":");
        path.push(more);
    }
    let output = Command::new("env")
        .arg(program)
        .args(arguments)
        .current_dir(folder)
        .env("PATH", path)
        .env("CARGO_NET_OFFLINE", "true")
        .env("SAM_CLI_TELEMETRY", "0")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .output()
        .expect("env");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} (run ./build.sh test): {error}");
}

#[test]
fn the_file_that_sam_builds_is_the_function() {
    let folder = TempDir::new().expect("a folder");
    let sdk = support::root().join("sdk").display().to_string();
    run("pilotlight", &["new", "hello", "--sdk", &sdk, "--deploy", "sam"], folder.path());
    let crate_folder = folder.path().join("hello");
    for file in ["template.yaml", "Makefile"].map(|name| crate_folder.join(name)) {
        let text = fs::read_to_string(&file).expect("a file of the template");
        assert!(text.contains("arm64"), "{text}");
        fs::write(file, text.replace("arm64", arch().name)).expect("written");
    }
    run("sam", &["build"], &crate_folder);

    let package = crate_folder.join(".aws-sam/build/Function");
    let files = fs::read_dir(&package).expect("the package");
    let names: Vec<_> = files.map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(names, ["bootstrap"]);
    let rie = Rie::start_file(&package.join("bootstrap"), "hello");
    let answer = (200, br#"{"message":"Hello, Ada!"}"#.to_vec());
    assert_eq!(rie.invoke(br#"{"name":"Ada"}"#), answer);
    assert_eq!(rie.invoke(br#"{"name":"Ada"}"#), answer);
}
