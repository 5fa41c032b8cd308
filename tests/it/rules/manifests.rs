//! Manifests: lints, reasons of dependencies, and versions that agree.

use std::fs;

use super::files;
use crate::support;

/// Without that, what the workspace denies is allowed.
#[test]
fn every_crate_of_ours_has_the_workspaces_lints() {
    let others = ["examples/", "tests/fixtures/", "tests/fuzz/", "tests/peers/"];
    for (name, text) in files(&["/Cargo.toml"]) {
        let is_other = others.iter().any(|other| name.starts_with(other));
        if text.contains("[package]") && !is_other {
            assert!(text.contains("[lints]\nworkspace = true\n"), "{name}");
        }
    }
}

#[test]
fn every_dependency_has_a_reason() {
    for (name, text) in files(&["Cargo.toml"]) {
        // Fixtures, examples and peers depend on what they show.
        if name.starts_with("examples")
            || name.starts_with("tests/fixtures")
            || name.contains("peers")
        {
            continue;
        }
        let lines: Vec<&str> = text.lines().collect();
        let mut in_dependencies = false;
        for (number, line) in lines.iter().enumerate() {
            if line.starts_with('[') {
                in_dependencies = line.ends_with("dependencies]");
                assert!(
                    !line.contains("dependencies."),
                    "{name}: `{line}` has no place for a reason"
                );
            } else if in_dependencies && line.contains(" = ") {
                assert!(lines[number - 1].starts_with('#'), "{name}: why `{line}`?");
            }
        }
    }
}

#[test]
fn the_changelog_begins_with_this_version() {
    let version = env!("CARGO_PKG_VERSION_MINOR");
    assert_eq!(version, "0", "the tests have no version of their own");
    let manifest = fs::read_to_string(support::root().join("Cargo.toml")).expect("the manifest");
    let version = manifest.lines().find_map(|line| line.strip_prefix("version = ")).expect("one");
    let changelog = fs::read_to_string(support::root().join("CHANGELOG.md")).expect("CHANGELOG.md");
    let newest = changelog.lines().find_map(|line| line.strip_prefix("## ")).expect("a version");
    assert!(newest.starts_with(version.trim_matches('"')), "{newest} is not {version}");
}
