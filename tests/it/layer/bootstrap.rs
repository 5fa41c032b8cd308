//! The executable itself: what it is, how large, and how much memory it takes.

use std::fs;

use pilotlight_local::environment::INIT_LIMIT;

use crate::support;
use crate::support::arch::arch;

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
    let zip = fs::metadata(support::layer_zip()).expect("the zip").len();
    assert!(zip <= 1536 << 10, "{zip} bytes");
}

/// So that it can be mapped on one thread while another maps a module.
#[test]
fn the_rest_of_the_c_library_has_no_thread_locals() {
    let bytes = fs::read(support::dist("layer/pilotlight/libc.so")).expect("the library");
    assert!(arch().parse(&bytes).expect("sound").tls.is_none());
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
