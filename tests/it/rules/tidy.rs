//! Rules of the house, checked: who may mention what, how long files are, and that versions agree.

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

#[test]
fn each_secret_of_the_bootstrap_has_one_file() {
    let only = |words: &[&str], file: &str| {
        let files = [mention("bootstrap/src", words), mention("host/src", words)].concat();
        assert_eq!(files, [file], "{words:?}");
    };
    only(&["environ\"", "static environ", "setenv", "getenv("], "host/src/environ.rs");
    only(&["mmap(", "mprotect(", "munmap("], "host/src/map/image.rs");
    only(
        &["Lambda-Runtime-", "lambda-runtime-", "2018-06-01"],
        "bootstrap/src/runtime_api/wire.rs",
    );
    only(&["mimalloc"], "host/src/libc/heap.rs");
}

#[test]
fn unsafe_code_stands_in_named_modules_only() {
    let words = ["unsafe {", "unsafe fn", "unsafe extern", "unsafe impl"];
    let bootstrap = [
        "bootstrap/src/callbacks.rs",
        "bootstrap/src/config/fetcher.rs",
        "bootstrap/src/config/ffi.rs",
        "bootstrap/src/handler/ffi.rs",
        "bootstrap/src/services/ffi.rs",
    ];
    assert_eq!(mention("bootstrap/src", &words), bootstrap);
    let host = [
        "host/src/bytes.rs",
        "host/src/crash/last_words.rs",
        "host/src/crash/report_buffer.rs",
        "host/src/crash/signals.rs",
        "host/src/environ.rs",
        "host/src/file.rs",
        "host/src/in_flight.rs",
        "host/src/libc/dl.rs",
        "host/src/libc/dlfcn.rs",
        "host/src/libc/exit.rs",
        "host/src/libc/heap.rs",
        "host/src/libc/lazy.rs",
        "host/src/libc/libc_module.rs",
        "host/src/libc/threads.rs",
        "host/src/libc/tls.rs",
        "host/src/libc/unwind.rs",
        "host/src/map/calls.rs",
        "host/src/map/image.rs",
        "host/src/sigterm.rs",
        "host/src/sync/arc_cell.rs",
        "host/src/sync/once.rs",
        "host/src/sys/clock.rs",
        "host/src/sys/mod.rs",
        "host/src/sys/resolver.rs",
        "host/src/sys/socket.rs",
    ];
    assert_eq!(mention("host/src", &words), host);
    assert_eq!(mention("loader", &words), [""; 0]);
    assert_eq!(mention("local", &words), ["local/src/private_tmp.rs"]);
    let layer = [
        "layer/services/abi/src/config.rs",
        "layer/services/abi/src/lib.rs",
        "layer/services/src/exports.rs",
        "layer/services/src/host.rs",
        "layer/services/src/variables.rs",
    ];
    assert_eq!(mention("layer", &words), layer);
    // In lib.rs it is what the macro `handler!` expands to.
    let sdk = [
        "sdk/src/config/value.rs",
        "sdk/src/context.rs",
        "sdk/src/lib.rs",
        "sdk/src/library.rs",
        "sdk/src/response.rs",
        "sdk/src/runtime.rs",
        "sdk/src/stream.rs",
    ];
    assert_eq!(mention("sdk/src", &words), sdk);
    assert_eq!(mention("sdk/abi", &words), ["sdk/abi/src/lib.rs"]);
}

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
fn the_parts_meet_where_the_design_says() {
    let manifest = |path: &str| {
        let text = fs::read_to_string(support::root().join(path)).expect("a manifest");
        text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n")
    };
    for part in ["bootstrap", "host"] {
        for absent in ["ureq", "serde", "pilotlight-local"] {
            assert!(!manifest(&format!("{part}/Cargo.toml")).contains(absent), "{part}: {absent}");
        }
        let name = format!("pilotlight-{part}");
        assert!(!manifest("local/Cargo.toml").contains(&name), "they meet over HTTP");
    }
    // It is handed the environment that the process began with.
    assert_eq!(mention("layer/services/src", &["std::env"]), [""; 0], "who reads the environment");
}

#[test]
fn files_are_of_a_size_to_be_read() {
    for (name, text) in files(&[".rs", ".sh", ".c", ".h", ".ld", ".toml"]) {
        assert!(text.ends_with('\n'), "{name} does not end with a line feed");
        assert!(!text.contains('\r'), "{name} has carriage returns");
        let lines = text.lines().count();
        assert!(lines <= 400, "{name} has {lines} lines");
        for (number, line) in text.lines().enumerate() {
            assert_eq!(line, line.trim_end(), "{name}:{} ends with space", number + 1);
        }
    }
}

#[test]
fn every_dependency_has_a_reason_and_no_test_is_ignored() {
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
    let ignored = concat!("#[", "ignore");
    assert_eq!(mention("", &[ignored]), [""; 0]);
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
