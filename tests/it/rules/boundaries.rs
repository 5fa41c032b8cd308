//! Boundaries: each secret of the system has one file, unsafe code stands in named modules, and
//! crates meet where ARCHITECTURE.md says.

use std::fs;

use super::files;
use super::mention;
use crate::support;

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
        "host/src/arch/aarch64/restore.rs",
        "host/src/arch/aarch64/vector.rs",
        "host/src/arch/x86_64/restore.rs",
        "host/src/arch/x86_64/vector.rs",
        "host/src/crash/last_words.rs",
        "host/src/crash/report_buffer.rs",
        "host/src/crash/signals.rs",
        "host/src/crash/time_out.rs",
        "host/src/crash/walker.rs",
        "host/src/environ.rs",
        "host/src/errno.rs",
        "host/src/file.rs",
        "host/src/in_flight.rs",
        "host/src/libc/dl.rs",
        "host/src/libc/dlfcn.rs",
        "host/src/libc/exit.rs",
        "host/src/libc/heap.rs",
        "host/src/libc/lazy.rs",
        "host/src/libc/libc_module.rs",
        "host/src/libc/symbol_file.rs",
        "host/src/libc/threads.rs",
        "host/src/libc/tls.rs",
        "host/src/libc/unwind.rs",
        "host/src/libc/walk.rs",
        "host/src/map/calls.rs",
        "host/src/map/image.rs",
        "host/src/package.rs",
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
    // In export.rs and main_macro.rs it is what macros expand to.
    let sdk = [
        "sdk/src/config/value.rs",
        "sdk/src/context.rs",
        "sdk/src/export.rs",
        "sdk/src/library.rs",
        "sdk/src/main_macro.rs",
        "sdk/src/on_lambda_runtime/library.rs",
        "sdk/src/on_lambda_runtime/table.rs",
        "sdk/src/response.rs",
        "sdk/src/runtime.rs",
        "sdk/src/stream.rs",
    ];
    assert_eq!(mention("sdk/src", &words), sdk);
    assert_eq!(mention("sdk/abi", &words), ["sdk/abi/src/lib.rs"]);
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
fn unsafe_modules_carry_their_reason() {
    let mut faults = Vec::new();
    for (name, text) in files(&[".rs"]) {
        let is_bare = |line: &&str| line.ends_with("allow(unsafe_code)]");
        let lines = text.lines().enumerate().filter(|(_, line)| is_bare(line));
        faults.extend(lines.map(|(index, _)| format!("{name}:{}", index + 1)));
    }
    assert!(faults.is_empty(), "a comment at the end of the line says why:\n{}", faults.join("\n"));
}

#[test]
fn no_test_is_ignored() {
    let ignored = concat!("#[", "ignore");
    assert_eq!(mention("", &[ignored]), [""; 0]);
}
