//! The segments of a file without mapping them: for judging a library.

use alloc::vec;
use alloc::vec::Vec;

use super::elf::Parsed;
use super::elf::Segment;
use super::memory::Data;
use super::memory::Tables;

/// The segment's bytes in the file. The parser has checked that they are there.
fn content<'a>(segment: &Segment, file: &'a [u8]) -> &'a [u8] {
    let number = |value| usize::try_from(value).unwrap_or(0);
    let (start, size) = (number(segment.offset), number(segment.file_size));
    &file[start..start + size]
}

/// The read-only segments: parts of the file itself.
pub fn tables<'a>(parsed: &Parsed, file: &'a [u8]) -> Tables<'a> {
    let segments = parsed.segments.iter().filter(|segment| !segment.writable);
    Tables::new(segments.map(|segment| (segment.address, content(segment, file))).collect())
}

/// Copies of the writable segments, including their zeros.
#[derive(Debug)]
pub struct Copies(Vec<(u64, Vec<u8>)>);

impl Copies {
    /// Copies the writable segments of `file`.
    pub fn of(parsed: &Parsed, file: &[u8]) -> Copies {
        let segments = parsed.segments.iter().filter(|segment| segment.writable);
        let copy = |segment: &Segment| {
            let content = content(segment, file);
            let mut bytes = vec![0; usize::try_from(segment.memory_size).unwrap_or(0)];
            bytes[..content.len()].copy_from_slice(content);
            (segment.address, bytes)
        };
        Copies(segments.map(copy).collect())
    }

    /// Lends the copies for relocation.
    pub fn data(&mut self) -> Data<'_> {
        let segments = self.0.iter_mut();
        Data::new(segments.map(|(address, bytes)| (*address, bytes.as_mut_slice())).collect())
    }
}
