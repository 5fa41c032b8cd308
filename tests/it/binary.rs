//! The executable itself: what it is, how large, and what it asks of the system.

use std::fs;
use std::process::Command;

use pilotlight_local::environment::INIT_LIMIT;
use pilotlight_local::runtime_api::RuntimeApi;

use crate::support;

#[test]
fn the_bootstrap_is_one_static_file_without_an_interpreter() {
    let bytes = fs::read(support::bootstrap()).expect("the bootstrap");
    assert!(bytes.len() <= 256 << 10, "{} bytes", bytes.len());
    let number = |offset: usize, size: usize| {
        let bytes = bytes[offset..offset + size].iter().rev();
        bytes.fold(0usize, |number, &byte| number << 8 | usize::from(byte))
    };
    assert_eq!(number(16, 2), 2, "ET_EXEC: addresses are known when it is linked");
    let (start, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    let kinds: Vec<usize> = (0..count).map(|index| number(start + index * size, 4)).collect();
    assert!(!kinds.contains(&2), "PT_DYNAMIC: it is linked to nothing");
    assert!(!kinds.contains(&3), "PT_INTERP: it needs no ld.so");
    for index in (0..count).filter(|&index| kinds[index] == 1) {
        let flags = number(start + index * size + 4, 4);
        assert_ne!(flags & 3, 3, "a segment that is writable and executable");
    }
}

#[test]
fn the_layer_is_small() {
    let zip = fs::metadata(support::dist("pilotlight-layer-x86_64.zip")).expect("the zip").len();
    assert!(zip <= 1536 << 10, "{zip} bytes");
}

/// So that it can be mapped on one thread while another maps a module.
#[test]
fn the_rest_of_the_c_library_has_no_thread_locals() {
    let bytes = fs::read(support::dist("layer/pilotlight/libc.so")).expect("the library");
    assert!(pilotlight_loader::elf::parse(&bytes).expect("sound").tls.is_none());
}

#[test]
fn one_hello_needs_little_memory() {
    let function = support::example("hello");
    let environment = support::start(&function);
    environment.wait_initialised(INIT_LIMIT).expect("initialised");
    support::response(support::invoke(&environment, &function, br#"{"name":"Ada"}"#));
    let peak = environment.peak_memory_kib();
    assert!(peak <= 1536, "{peak} KiB");
}

/// What `strace` sees between exec and the first `/next`.
#[test]
fn few_system_calls_come_before_the_first_next() {
    let api = RuntimeApi::start(1).expect("a server");
    api.shared().change(|session| session.closed = true);
    let function = support::example("hello");
    let trace = tempfile::NamedTempFile::new().expect("a file");
    let mut strace = Command::new("strace");
    strace.arg("-f").arg("-o").arg(trace.path()).arg(&function.bootstrap).env_clear();
    strace.env("PATH", "/usr/bin:/bin").envs(function.environment(&api.address().to_string()));
    // `/next` is answered 410 at once, and the bootstrap ends.
    let output = strace.output().expect("strace");
    assert_eq!(output.status.code(), Some(11), "{output:?}");
    let calls = fs::read_to_string(trace.path()).expect("the trace");
    let is_next = |line: &&str| line.contains("\"GET /2018-06-01/runtime/");
    let before: Vec<&str> = calls.lines().take_while(|line| !is_next(line)).collect();
    println!("{}", before.join("\n"));
    assert!(before.len() < calls.lines().count(), "no /next in the trace");
    assert!(before.len() <= 25, "{} system calls", before.len());
    assert!(!before.iter().any(|call| call.contains("libc.so")), "hello needs none of libc.so");
}
