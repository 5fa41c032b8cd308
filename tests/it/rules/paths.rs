//! Paths of this tree that its sources and documents name: each leads to something.

use super::files;
use crate::support;

/// Folders whose names begin the paths that are checked.
const ROOMS: [&str; 3] = ["tests/it/", "tests/fixtures/", "docs/"];

/// The paths that a line names from the root.
fn named(line: &str) -> Vec<&str> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_-./".contains(letter);
    let words = line.split(|letter: char| !is_part(letter));
    let words = words.map(|word| word.trim_start_matches("../").trim_end_matches('.'));
    words.filter(|word| ROOMS.iter().any(|room| word.starts_with(room))).collect()
}

#[test]
fn every_path_that_is_named_exists() {
    let mut faults = Vec::new();
    let endings = [".rs", ".c", ".cc", ".h", ".sh", ".toml", ".py", ".md"];
    for (name, text) in files(&endings) {
        if name.ends_with("rules/paths.rs") {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            for path in named(line) {
                if !support::root().join(path).exists() {
                    faults.push(format!("{name}:{} names {path}", index + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "these do not exist:\n{}", faults.join("\n"));
}

#[test]
fn paths_are_found_in_prose() {
    assert_eq!(named("see [it](../docs/a.md)."), ["docs/a.md"]);
    assert_eq!(
        named("`tests/it/x.rs`, and tests/fixtures/c."),
        ["tests/it/x.rs", "tests/fixtures/c"]
    );
    assert_eq!(named("no path here"), [""; 0]);
}
