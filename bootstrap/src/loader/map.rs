//! The owner of a mapped file: the only file that calls `mmap`, `mprotect` and `munmap`.
//!
//! An [`Image`] is all or nothing: when mapping fails, or when it is dropped before the library is
//! kept, its whole range of addresses is given back.

use alloc::vec::Vec;
use core::ptr;
use core::slice;

use super::elf::Extent;
use super::elf::Segment;
use super::elf::page_ceil;
use super::elf::page_floor;
use super::error::Defect;
use crate::sys;

/// A file's segments in memory, at one base address. Addresses in this module's functions are
/// relative to that base, as the file has them.
#[derive(Debug)]
pub struct Image {
    start: *mut u8,
    size: usize,
    /// What the start stands for: the first segment's first page.
    low: u64,
    segments: Vec<Segment>,
}

impl Image {
    /// Maps `segments`, which are in ascending order on pages of their own, and lie in `file`.
    pub fn map(file: &sys::File, segments: Vec<Segment>) -> Result<Image, Defect> {
        let low = segments.first().map_or(0, |first| first.pages().start);
        let high = segments.last().map_or(0, |last| last.pages().end);
        let size = usize::try_from(high - low).unwrap_or(usize::MAX);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // The whole range first, so that nothing else can come between the segments.
        // SAFETY: without MAP_FIXED the kernel chooses a range that nobody uses.
        let start = unsafe { libc::mmap(ptr::null_mut(), size, libc::PROT_NONE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(Defect::Unmappable { errno: sys::errno() });
        }
        let image = Image { start: start.cast(), size, low, segments };
        for segment in &image.segments {
            image.map_segment(file, segment)?;
        }
        Ok(image)
    }

    fn map_segment(&self, file: &sys::File, segment: &Segment) -> Result<(), Defect> {
        let protection = protection(segment);
        let pages = segment.pages();
        let file_end = segment.address + segment.file_size;
        let file_pages = if segment.file_size == 0 { pages.start } else { page_ceil(file_end) };
        if file_pages > pages.start {
            let offset = segment.offset - (segment.address - pages.start);
            self.place(pages.start, file_pages, protection, Some((file, offset)))?;
        }
        if pages.end > file_pages {
            self.place(file_pages, pages.end, protection, None)?;
        }
        // What lies behind the file's bytes on their last page is the file's next section, and
        // has to read as zero where the segment goes on. (A read-only segment never goes on.)
        let zeros =
            file_pages.min(segment.address + segment.memory_size) - file_end.min(file_pages);
        if segment.writable && zeros > 0 {
            let size = usize::try_from(zeros).unwrap_or(0);
            // SAFETY: the range was just mapped writable, in an image that nobody else knows yet.
            unsafe { ptr::write_bytes(self.pointer(file_end), 0, size) };
        }
        Ok(())
    }

    /// Lays pages of `file`, or zeros, over a part of the reserved range.
    fn place(
        &self,
        from: u64,
        to: u64,
        protection: i32,
        file: Option<(&sys::File, u64)>,
    ) -> Result<(), Defect> {
        let size = usize::try_from(to - from).unwrap_or(usize::MAX);
        let (descriptor, offset, kind) = match file {
            Some((file, offset)) => (file.descriptor(), offset, 0),
            None => (-1, 0, libc::MAP_ANONYMOUS),
        };
        let flags = libc::MAP_PRIVATE | libc::MAP_FIXED | kind;
        let Ok(offset) = libc::off_t::try_from(offset) else {
            return Err(Defect::BadSegment { address: from });
        };
        // SAFETY: `from..to` are pages of a segment, so they lie inside the range that this
        // image reserved and owns; `map` has not handed out any pointer into it.
        let at = unsafe {
            libc::mmap(self.pointer(from).cast(), size, protection, flags, descriptor, offset)
        };
        if at == libc::MAP_FAILED {
            return Err(Defect::Unmappable { errno: sys::errno() });
        }
        Ok(())
    }

    /// The live address of a file-relative one.
    pub fn live(&self, address: u64) -> u64 {
        self.base().wrapping_add(address)
    }

    /// What is added to a file-relative address to make it live.
    pub fn base(&self) -> u64 {
        (self.start.addr() as u64).wrapping_sub(self.low)
    }

    /// The live addresses that belong to this image.
    pub fn range(&self) -> core::ops::Range<usize> {
        self.start.addr()..self.start.addr() + self.size
    }

    /// The live address, if it lies in an executable segment.
    pub fn code(&self, live: u64) -> Option<u64> {
        let address = live.wrapping_sub(self.base());
        self.segment_of(address, 1).filter(|segment| segment.executable).map(|_| live)
    }

    /// The live address of `size` bytes, if they lie in one segment.
    pub fn data(&self, address: u64, size: u64) -> Option<u64> {
        self.segment_of(address, size).map(|_| self.live(address))
    }

    /// Splits the image for relocation: tables are read while data is written.
    pub fn parts(&mut self) -> (Tables<'_>, Data<'_>) {
        let image = &*self;
        (Tables { image }, Data { image, last: 0 })
    }

    /// Makes the whole pages of `extent` read-only, as ld.so does for RELRO.
    pub fn protect(&self, extent: &Extent) -> Result<(), Defect> {
        let start = page_floor(extent.address);
        let end = page_floor(extent.address.saturating_add(extent.size));
        let inside = start >= self.low && end <= self.low + self.size as u64;
        if end <= start || !inside {
            return Ok(());
        }
        let size = usize::try_from(end - start).unwrap_or(0);
        // SAFETY: the range lies in this image, whose code has not run yet.
        let result = unsafe { libc::mprotect(self.pointer(start).cast(), size, libc::PROT_READ) };
        if result != 0 {
            return Err(Defect::Unmappable { errno: sys::errno() });
        }
        Ok(())
    }

    fn pointer(&self, address: u64) -> *mut u8 {
        self.start.wrapping_add(usize::try_from(address - self.low).unwrap_or(usize::MAX))
    }

    fn segment_of(&self, address: u64, size: u64) -> Option<&Segment> {
        self.segments.iter().find(|segment| inside(segment, address, size))
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: an image that is dropped was never kept, so nobody holds a pointer into it.
        unsafe { libc::munmap(self.start.cast(), self.size) };
    }
}

/// The read-only segments: what they hold cannot change while the writable ones are relocated.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    image: &'a Image,
}

impl<'a> Tables<'a> {
    /// The bytes from `address` to the end of its segment, or None outside the read-only ones.
    pub fn rest(&self, address: u64) -> Option<&'a [u8]> {
        let segment = self.image.segment_of(address, 1).filter(|segment| !segment.writable)?;
        let size = segment.address + segment.memory_size - address;
        let size = usize::try_from(size).ok()?;
        // SAFETY: the bytes are mapped readable for as long as the image lives, and no
        // `Data` can write to a segment that is not writable.
        Some(unsafe { slice::from_raw_parts(self.image.pointer(address), size) })
    }
}

/// The writable segments.
#[derive(Debug)]
pub struct Data<'a> {
    image: &'a Image,
    /// The segment of the last access: relocations come in order of address.
    last: usize,
}

impl Data<'_> {
    /// The bytes at `address`, or None where they do not all lie in one writable segment.
    pub fn bytes(&mut self, address: u64, size: u64) -> Option<&mut [u8]> {
        let segments = &self.image.segments;
        let fits = |segment: &Segment| segment.writable && inside(segment, address, size);
        if !segments.get(self.last).is_some_and(fits) {
            self.last = segments.iter().position(fits)?;
        }
        let size = usize::try_from(size).ok()?;
        // SAFETY: the bytes are mapped writable for as long as the image lives; there is one
        // `Data` at a time (`parts` borrows the image mutably), and it lends one slice at a time.
        Some(unsafe { slice::from_raw_parts_mut(self.image.pointer(address), size) })
    }

    /// The bytes from `address` to the end of its writable segment.
    pub fn rest(&mut self, address: u64) -> Option<&mut [u8]> {
        let segment = self.image.segment_of(address, 1).filter(|segment| segment.writable)?;
        let size = segment.address + segment.memory_size - address;
        self.bytes(address, size)
    }

    /// Writes an address-sized word; false where that is not inside one writable segment.
    pub fn set(&mut self, address: u64, value: u64) -> bool {
        match self.bytes(address, 8) {
            Some(bytes) => {
                bytes.copy_from_slice(&value.to_le_bytes());
                true
            }
            None => false,
        }
    }
}

fn inside(segment: &Segment, address: u64, size: u64) -> bool {
    address >= segment.address
        && address.checked_add(size).is_some_and(|end| end <= segment.address + segment.memory_size)
}

fn protection(segment: &Segment) -> i32 {
    let write = if segment.writable { libc::PROT_WRITE } else { 0 };
    let execute = if segment.executable { libc::PROT_EXEC } else { 0 };
    libc::PROT_READ | write | execute
}
