//! The parts of a file that are mapped, and their pages.

use core::ops::Range;

/// Pages are 4 KiB on every CPU that Lambda offers.
pub const PAGE: u64 = 4096;

/// A part of the file that is mapped: one `PT_LOAD` program header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Offset of its bytes in the file.
    pub offset: u64,
    /// Address in memory, relative to the base.
    pub address: u64,
    /// Bytes that come from the file.
    pub file_size: u64,
    /// Bytes in memory; those after the file's are zero.
    pub memory_size: u64,
    /// Whether it may be written.
    pub writable: bool,
    /// Whether its code may run.
    pub executable: bool,
}

impl Segment {
    /// The pages that it covers, as addresses relative to the base.
    pub fn pages(&self) -> Range<u64> {
        page_floor(self.address)..page_ceil(self.address + self.memory_size)
    }

    /// The pages that hold bytes of the file.
    pub fn file_pages(&self) -> Range<u64> {
        let start = page_floor(self.address);
        let end = page_ceil(self.address + self.file_size);
        start..if self.file_size == 0 { start } else { end }
    }
}

/// The segment that holds `size` bytes at `address`.
pub fn segment_at(segments: &[Segment], address: u64, size: u64) -> Option<&Segment> {
    segments.iter().find(|segment| {
        let end = segment.address + segment.memory_size;
        address >= segment.address && address.checked_add(size).is_some_and(|last| last <= end)
    })
}

/// The start of the page that holds `address`.
pub const fn page_floor(address: u64) -> u64 {
    address & !(PAGE - 1)
}

/// The start of the first page at or after `address`. The caller has checked that it exists.
pub const fn page_ceil(address: u64) -> u64 {
    page_floor(address + (PAGE - 1))
}
