//! The system calls of the bootstrap's start, as strace sees them.

use std::fs;

use pilotlight_local::function::Function;
use pilotlight_local::runtime_api::RuntimeApi;
use pilotlight_local::runtime_api::Session;

use crate::support;

/// The lines of `strace` between exec and the first `/next`, which is answered 410: the bootstrap
/// ends then.
fn calls_before_next(function: &Function) -> Vec<String> {
    let api = RuntimeApi::start(1).expect("a server");
    api.shared().change(Session::close);
    let trace = tempfile::NamedTempFile::new().expect("a file");
    let mut strace = support::installed("strace", "strace");
    strace.arg("-f").arg("-o").arg(trace.path()).arg(&function.bootstrap).env_clear();
    strace.env("PATH", "/usr/bin:/bin").envs(function.environment(&api.address().to_string()));
    let output = strace.output().expect("strace");
    assert_eq!(output.status.code(), Some(11), "{output:?}");
    let calls = fs::read_to_string(trace.path()).expect("the trace");
    let next = calls.lines().position(|line| line.contains("\"GET /2018-06-01/runtime/"));
    let before = next.expect("/next in the trace");
    calls.lines().take(before).map(str::to_owned).collect()
}

#[test]
fn few_system_calls_come_before_the_first_next() {
    let library = support::dist("examples/libhello.so");
    let hello = support::function(&library, None);
    // From storage it is read with one call more.
    for (is_cached, most) in [(true, 21), (false, 22)] {
        pilotlight_local::measure::evict(std::slice::from_ref(&library));
        if is_cached {
            fs::read(&library).expect("read into the page cache");
        }
        let before = calls_before_next(&hello);
        println!("{}", before.join("\n"));
        assert!(before.iter().any(|call| call.contains("execve(")), "from the first call on");
        assert!(before.len() <= most, "{} system calls", before.len());
        assert!(!before.iter().any(|call| call.contains("libc.so")), "hello needs none of it");
    }
}

#[test]
fn a_large_handler_that_is_not_in_the_page_cache_is_read_in_parts() {
    // On a disk, where files can be evicted, and with more in it than is worth reading.
    let folder = tempfile::tempdir_in(support::root().join("target")).expect("a folder");
    let library = folder.path().join("libecho.so");
    let mut bytes = fs::read(support::dist("examples/libecho.so")).expect("the example");
    bytes.resize(4 << 20, 0);
    fs::write(&library, bytes).expect("written");
    fs::File::open(&library).and_then(|file| file.sync_all()).expect("on the disk");
    let function = support::function(&library, None);
    let advice = |calls: &[String]| calls.iter().filter(|call| call.contains("WILLNEED")).count();

    pilotlight_local::measure::evict(std::slice::from_ref(&library));
    let cold = calls_before_next(&function);
    let asked = cold.iter().find(|call| call.contains("preadv2")).expect("the kernel is asked");
    println!("{asked}\n{} pieces", advice(&cold));
    assert!(asked.contains("EAGAIN"), "target/ is on no disk, so files in it cannot be evicted");
    assert!(advice(&cold) >= 4, "{}", cold.join("\n"));

    fs::read(&library).expect("read into the page cache");
    let warm = calls_before_next(&function);
    assert_eq!(advice(&warm), 0, "{}", warm.join("\n"));
}
