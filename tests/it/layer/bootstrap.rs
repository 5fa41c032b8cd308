//! The executable itself: what it is, how large, and what it asks of the system.

use std::fs;

use pilotlight_local::environment::INIT_LIMIT;
use pilotlight_local::function::Function;
use pilotlight_local::runtime_api::RuntimeApi;
use pilotlight_local::runtime_api::Session;

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

/// The same tree is the same layer, byte for byte, whenever it is built.
#[test]
fn the_bootstrap_does_not_say_when_it_was_built() {
    let bytes = fs::read(support::bootstrap()).expect("the bootstrap");
    // As C's `__DATE__` has it.
    let months =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let is_date = |text: &&[u8]| {
        months.iter().any(|month| text.starts_with(month.as_bytes()))
            && text[3] == b' '
            && text[6..9] == *b" 20"
            && text[9..].iter().all(u8::is_ascii_digit)
    };
    let date = bytes.windows(11).find(is_date).map(String::from_utf8_lossy);
    assert_eq!(date, None);
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
    // Less would say that nothing was measured.
    assert!((100..=700).contains(&peak), "{peak} KiB");
}

/// What `strace` sees between exec and the first `/next`, which is answered 410: the bootstrap ends then.
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
