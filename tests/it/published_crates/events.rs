//! The example events of the crate `aws_lambda_events`, replayed through handlers that take its
//! types.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use pilotlight_local::check;
use pilotlight_local::environment::INIT_LIMIT;
use serde_json::Value;

use super::moved::build;
use super::moved::built;
use crate::support;

/// The folder of the events, in the sources of the crate that the fixture depends on.
fn fixtures() -> PathBuf {
    let output = support::arch::arch()
        .rust("cargo", &support::root().join("tests/fixtures/events"))
        .args(["metadata", "--locked", "--format-version", "1"])
        .output()
        .expect("cargo");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages").iter();
    let package = packages.clone().find(|package| package["name"] == "aws_lambda_events");
    let manifest = package.expect("it")["manifest_path"].as_str().expect("a path");
    PathBuf::from(manifest).with_file_name("src/fixtures")
}

/// The answers by serde alone to these files, each with the name of its handler.
fn natively(folder: &Path, files: &[(String, String)]) -> Vec<String> {
    let mut program = Command::new(built().join("target/debug/natively"))
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    let lines: String = files.iter().map(|(name, file)| format!("{name} {file}\n")).collect();
    program.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("written");
    let output = program.wait_with_output().expect("ended");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn every_example_event_is_answered_as_serde_does() {
    build(&support::root().join("tests/fixtures/events"), &["--locked"]);
    let library = built().join("target/debug/libevents.so");
    let names = check::check(&library).handlers;
    let mut by_handler: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let folder = fixtures();
    for entry in fs::read_dir(&folder).expect("the events") {
        let file = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        let Some(event) = file.strip_prefix("example-").and_then(|rest| rest.strip_suffix(".json"))
        else {
            continue;
        };
        let event = event.replace('-', "_");
        let handler = names.iter().filter(|name| event.starts_with(*name)).max_by_key(|n| n.len());
        let handler = handler.unwrap_or_else(|| panic!("no handler takes {file}"));
        by_handler.entry(handler.clone()).or_default().push(file);
    }
    assert_eq!(by_handler.len(), names.len(), "a handler has no event");
    let pairs = |(name, files): (&String, &Vec<String>)| {
        files.iter().map(|file| (name.clone(), file.clone())).collect::<Vec<_>>()
    };
    let files: Vec<(String, String)> = by_handler.iter().flat_map(pairs).collect();
    assert!(files.len() > 170, "{}", files.len());
    let mut expected = natively(&folder, &files).into_iter();

    for (name, files) in &by_handler {
        let function = support::function(&library, Some(name));
        let environment = support::start(&function);
        environment.wait_initialised(INIT_LIMIT).expect("initialised");
        for file in files {
            let event = fs::read(folder.join(file)).expect("an event");
            let answer = support::response(support::invoke(&environment, &function, &event));
            let answer: Value = serde_json::from_slice(&answer).expect("JSON");
            let expected = expected.next().expect("an answer");
            let expected: Value = serde_json::from_str(&expected).expect(&expected);
            assert_eq!(answer, expected, "{name}: {file}");
        }
    }
}
