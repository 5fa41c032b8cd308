//! Rules of the house, checked in the sources.

mod boundaries;
mod cpu;
mod floors;
mod manifests;
mod paths;
mod sizes;
mod words;

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::support;

/// Every file of the tree with one of these endings, as a path from the root, with its text.
fn files(endings: &[&str]) -> Vec<(String, String)> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() {
                if !matches!(name, "target" | "dist" | ".git" | "corpus" | "node_modules") {
                    collect(&path, found);
                }
            } else {
                found.push(path);
            }
        }
    }
    let root = support::root();
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    let has_ending =
        |path: &PathBuf| endings.iter().any(|ending| path.to_string_lossy().ends_with(ending));
    let mut files: Vec<(String, String)> = paths
        .into_iter()
        .filter(has_ending)
        .map(|path| {
            let name = path.strip_prefix(&root).expect("in the tree").display().to_string();
            (name, fs::read_to_string(&path).expect("UTF-8"))
        })
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// The Rust files under `folder` that mention one of these words outside comments.
fn mention(folder: &str, words: &[&str]) -> Vec<String> {
    let code = |line: &&str| !line.trim_start().starts_with("//");
    files(&[".rs"])
        .into_iter()
        .filter(|(name, text)| {
            let found = |line: &str| words.iter().any(|word| line.contains(word));
            name.starts_with(folder) && text.lines().filter(code).any(found)
        })
        .map(|(name, _)| name)
        .collect()
}
