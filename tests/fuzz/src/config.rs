//! Declarations of configuration: any bytes are declarations, or are refused with what was
//! expected; and what is taken from them lies in them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pilotlight_bootstrap::config::declaration::Declaration;
use pilotlight_bootstrap::config::declaration::items;
use pilotlight_bootstrap::config::declaration::lines;

fuzz_target!(|input: &[u8]| {
    for text in items(input).chain(lines(input)) {
        match Declaration::parse(text) {
            Ok(declaration) => {
                let range = text.as_ptr_range();
                for part in [declaration.name, declaration.target] {
                    assert!(!part.is_empty());
                    let inner = part.as_ptr_range();
                    assert!(range.start <= inner.start && inner.end <= range.end);
                }
                assert!(declaration.wait_ms > 0);
            }
            Err(expected) => assert!(!expected.is_empty()),
        }
    }
});
