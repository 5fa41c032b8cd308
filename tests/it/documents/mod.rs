//! Every shell command, manifest and output of the documents, run and compared. (Their Rust is
//! compiled by `tests/documents.rs`.)

mod external;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support;

/// A fenced block: the language after its fence, and its lines.
struct Block {
    language: String,
    text: String,
}

/// The pages that users read, each with its path from the root.
fn pages() -> Vec<(String, String)> {
    let root = support::root();
    let mut paths: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md"].map(|name| root.join(name)).into();
    let docs = fs::read_dir(root.join("docs")).expect("docs/");
    paths.extend(docs.map(|entry| entry.expect("an entry").path()));
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    let page = |path: PathBuf| {
        let name = path.strip_prefix(&root).expect("in the tree").display().to_string();
        (name, fs::read_to_string(&path).expect("UTF-8"))
    };
    paths.into_iter().map(page).collect()
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            continue;
        };
        let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        blocks.push(Block { language: language.to_owned(), text: text.join("\n") });
    }
    blocks
}

fn of_language(page: &str, language: &str) -> Vec<String> {
    blocks(page)
        .into_iter()
        .filter(|block| block.language == language)
        .map(|block| block.text)
        .collect()
}

/// Digits and request ids, which differ from run to run, as `#`.
fn without_numbers(text: &str) -> String {
    let mut result = String::new();
    for word in text.split_inclusive([' ', '\t', '\n']) {
        let bare = word.trim_end();
        let is_id = bare.len() == 36 && bare.matches('-').count() == 4;
        let is_number = bare.parse::<f64>().is_ok();
        result.push_str(if is_id || is_number { "#" } else { bare });
        result.push_str(&word[bare.len()..]);
    }
    result
}

#[test]
fn the_readme_shows_what_a_cold_invocation_prints() {
    let readme = fs::read_to_string(support::root().join("README.md")).expect("README.md");
    let [shown] = of_language(&readme, "text").try_into().expect("one output");
    let output = Command::new("bash")
        .args([
            "-c",
            r#"dist/bin/pilotlight run dist/examples/libhello.so --event '{"name":"Ada"}' 2>&1"#,
        ])
        .current_dir(support::root())
        .output()
        .expect("bash");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    // The two streams meet in either order, and a busy machine can have an overhead to report.
    let sorted = |text: &str| {
        let text = without_numbers(text.trim_end()).replace("\tRuntime Overhead: # ms", "");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&printed), sorted(&shown));
}

#[test]
fn manifests_are_toml() {
    for (name, page) in pages() {
        for manifest in of_language(&page, "toml") {
            let parsed = manifest.parse::<toml::Table>();
            assert!(parsed.is_ok(), "{name}: {parsed:?}\n{manifest}");
        }
    }
}

#[test]
fn every_block_has_a_language_that_something_checks() {
    let compiled = fs::read_to_string(support::root().join("tests/documents.rs")).expect("a file");
    for (name, page) in pages() {
        for Block { language, text } in blocks(&page) {
            match language.as_str() {
                "sh" | "toml" => {}
                "rust" => assert!(compiled.contains(&name), "tests/documents.rs lacks {name}"),
                "text" if name == "README.md" => {}
                // `published_crates::moved` applies it.
                "diff" if name == "docs/from-lambda_runtime.md" => {}
                _ => panic!("{name}: nothing checks a block of `{language}`:\n{text}"),
            }
        }
    }
}
