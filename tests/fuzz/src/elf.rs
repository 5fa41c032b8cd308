//! The headers of a handler library: any bytes are refused, or describe segments that can be
//! mapped.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pilotlight_loader::elf;

fuzz_target!(|file: &[u8]| {
    let Ok(parsed) = elf::parse(file) else {
        return;
    };
    let mut last = 0;
    for segment in &parsed.segments {
        let pages = segment.pages();
        assert!(pages.start >= last && pages.end > pages.start, "segments overlap");
        assert!(segment.offset + segment.file_size <= file.len() as u64, "past the file");
        assert!(segment.file_size <= segment.memory_size, "more file than memory");
        assert!(!(segment.writable && segment.executable), "writable code");
        last = pages.end;
    }
});
