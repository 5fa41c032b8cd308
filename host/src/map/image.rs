//! Owns the mappings of libraries: the only file that calls `mmap`, `mprotect` and `munmap`.
//!
//! An [`Image`] is all or nothing: if mapping fails, or if it is dropped before the library is
//! kept, its whole range of addresses is unmapped. The file is first mapped as it is, its headers
//! are read there, and its segments are then mapped over that same range. A segment that the first
//! mapping already shows correctly takes no system call.

use alloc::vec::Vec;
use core::ptr;
use core::slice;

use pilotlight_loader::Data;
use pilotlight_loader::Defect;
use pilotlight_loader::Tables;
use pilotlight_loader::elf::Extent;
use pilotlight_loader::elf::Segment;
use pilotlight_loader::elf::page_floor;
use pilotlight_loader::elf::segment_at;

use crate::errno::Errno;
use crate::file::File;
use crate::file::unreadable;

/// Bytes by which an image may exceed its file without being mapped twice: segments begin on pages
/// of their own, of up to 64 KiB on arm64, and zeros follow the last.
const IMAGE_SLACK: usize = 256 << 10;

/// Bytes by which writable segments may exceed RELRO and still be filled, or read ahead, at once.
const EAGER_SLACK: u64 = 64 << 10;

/// Bytes of writable segments that are mapped as zeros and read into.
const MAX_ZEROED: u64 = 128 << 10;

/// Bytes of a file that is read ahead whole. Of a larger one, only the parts that its start needs
/// are.
const MAX_READ_WHOLE: u64 = 1 << 20;

/// Bytes that are read ahead around a function that will run, aligned to their number.
const CODE_READ_AHEAD: u64 = 256 << 10;

/// A mapped range of addresses, unmapped on drop.
#[derive(Debug)]
struct Range {
    start: *mut u8,
    size: usize,
}

// SAFETY: the range owns its memory, which is no thread's own.
unsafe impl Send for Range {}
// SAFETY: a shared reference to a finished image only reads it, or makes it read-only.
unsafe impl Sync for Range {}

impl Range {
    /// Maps the file from its start, read-only, at any address. Bytes after the file's last page
    /// must not be touched.
    fn of_file(file: &File, size: usize) -> Result<Range, Defect> {
        Range::map(file, size, ptr::null_mut(), 0)
    }

    /// Maps it at `address`; None if that range is in use.
    fn of_file_at(file: &File, size: usize, address: u64) -> Option<Range> {
        let wanted = ptr::without_provenance_mut(usize::try_from(address).ok()?);
        let range = Range::map(file, size, wanted, libc::MAP_FIXED_NOREPLACE).ok()?;
        // Kernels before 4.17 treat the address as a hint.
        (range.start == wanted).then_some(range)
    }

    fn map(file: &File, size: usize, address: *mut u8, flags: i32) -> Result<Range, Defect> {
        let (protection, flags) = (libc::PROT_READ, libc::MAP_PRIVATE | flags);
        let (descriptor, offset) = (file.descriptor(), file.start().cast_signed());
        // SAFETY: without MAP_FIXED the kernel chooses an unused range, or fails.
        let start =
            unsafe { libc::mmap(address.cast(), size, protection, flags, descriptor, offset) };
        if start == libc::MAP_FAILED {
            return Err(Defect::MapFailed { reason: Errno::last().words() });
        }
        Ok(Range { start: start.cast(), size })
    }

    /// Starts reading these bytes from storage, without waiting. Otherwise the kernel reads each
    /// page at its first access, with up to megabytes around it.
    fn read_ahead(&self, offset: u64, size: u64) {
        let start = usize::try_from(page_floor(offset)).unwrap_or(usize::MAX).min(self.size);
        let end = usize::try_from(offset.saturating_add(size)).unwrap_or(usize::MAX).min(self.size);
        let at = self.start.wrapping_add(start).cast();
        // SAFETY: the range is this process's own, and the advice does not change its contents.
        unsafe { libc::madvise(at, end.saturating_sub(start), libc::MADV_WILLNEED) };
    }
}

impl Drop for Range {
    fn drop(&mut self) {
        // SAFETY: a library that is kept is never dropped, so no pointer into this range is left.
        unsafe { libc::munmap(self.start.cast(), self.size) };
    }
}

/// A file mapped as it is, in the range over which its segments will be mapped.
#[derive(Debug)]
pub struct FileView<'a> {
    file: &'a File,
    file_size: usize,
    range: Range,
    /// Whether only the parts that the start needs are read ahead.
    in_parts: bool,
}

impl<'a> FileView<'a> {
    /// Maps a file of `file_size` bytes, which are not 0.
    pub fn map(file: &'a File, file_size: u64) -> Result<FileView<'a>, Defect> {
        let (is_cold, is_small) = (!file.is_cached(file_size), file_size <= MAX_READ_WHOLE);
        let size = usize::try_from(file_size).unwrap_or(usize::MAX);
        let range = Range::of_file(file, size.saturating_add(IMAGE_SLACK))?;
        if is_cold && is_small {
            file.read_ahead(file_size);
        }
        Ok(FileView { file, file_size: size, range, in_parts: is_cold && !is_small })
    }

    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: these bytes are mapped readable for as long as the range lives. A function's
        // package is read-only, so the file is neither truncated nor changed meanwhile.
        unsafe { slice::from_raw_parts(self.range.start, self.file_size) }
    }

    /// Maps `segments`, which are in ascending order on pages of their own, and lie in the file.
    /// `relro` is the number of bytes that only relocation writes.
    ///
    /// A library linked for a fixed address (`--image-base`) is mapped there if the range is free:
    /// packed relocations then change nothing, and nearly all of its pages remain shared with the
    /// file.
    pub fn map_segments(self, segments: Vec<Segment>, relro: u64) -> Result<Image, Defect> {
        let low = segments.first().map_or(0, |first| first.pages().start);
        let high = segments.last().map_or(0, |last| last.pages().end);
        let size = usize::try_from(high - low).unwrap_or(usize::MAX);
        let FileView { file, file_size, range: view, in_parts } = self;
        let wanted = (low > 0).then(|| Range::of_file_at(file, size, low)).flatten();
        // A damaged file may name any size, but RELRO is filled from the file.
        let relro = relro.min(file_size as u64);
        let relocated = if wanted.is_some() { 0 } else { relro };
        let range = match wanted {
            Some(range) => range,
            None if size > view.size => Range::of_file(file, size)?,
            None => view,
        };
        let image = Image { range, low, segments, in_parts };
        if in_parts {
            image.read_ahead(relro);
        }
        let max_size = relocated + EAGER_SLACK;
        let mut rest = image.segments.as_slice();
        while let [segment, others @ ..] = rest {
            let (copied, after) = rest.split_at(few_writable(rest, max_size));
            // The view already shows a read-only segment at its offset in the file.
            let in_place = segment.offset == segment.address - low;
            if !copied.is_empty() {
                image.fill_segments(file, copied)?;
            } else if !in_place || segment.writable || segment.executable {
                image.map_segment(file, segment, 0)?;
            }
            rest = if copied.is_empty() { others } else { after };
        }
        Ok(image)
    }
}

/// A file's segments in memory, at one base address. Addresses in this module's functions are
/// relative to that base, as the file has them.
#[derive(Debug)]
pub struct Image {
    range: Range,
    /// File-relative address of the range's start: the first segment's first page.
    low: u64,
    segments: Vec<Segment>,
    in_parts: bool,
}

impl Image {
    /// Starts reading the parts that the start touches: the writable segments, and at the file's
    /// start the symbols and the relocations, which take at most 24 bytes for each word of RELRO.
    /// Call it while the range still is the file as it is.
    fn read_ahead(&self, relro: u64) {
        for segment in self.segments.iter().filter(|segment| segment.writable) {
            self.range.read_ahead(segment.offset, segment.file_size.min(relro + EAGER_SLACK));
        }
        self.range.read_ahead(0, relro * 3 + EAGER_SLACK);
    }

    /// Gives adjacent writable segments private pages at once: relocation writes to nearly all of
    /// them, and each would be a page fault of its own.
    ///
    /// Few pages: map zeros and `pread` into them while they are in the CPU's cache (7 % faster
    /// init for hello than copies by the kernel). Many pages: let the kernel copy them, because
    /// reading would write each twice (3 to 9 % faster init for an 11 MB handler).
    fn fill_segments(&self, file: &File, segments: &[Segment]) -> Result<(), Defect> {
        let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
            return Ok(());
        };
        let (start, file_end, end) = (first.pages().start, last.file_pages().end, last.pages().end);
        if file_end.saturating_sub(start) > MAX_ZEROED {
            let copy = |segment| self.map_segment(file, segment, libc::MAP_POPULATE);
            return segments.iter().try_for_each(copy);
        }
        let protection = protection(first);
        if file_end > start {
            let flags = libc::MAP_ANONYMOUS | libc::MAP_POPULATE;
            self.map_pages(start, file_end, protection, flags, None)?;
        }
        if end > file_end {
            self.map_pages(file_end, end, protection, libc::MAP_ANONYMOUS, None)?;
        }
        for segment in segments {
            let size = usize::try_from(segment.file_size).unwrap_or(0);
            let start = self.pointer(segment.address);
            // SAFETY: the range was just mapped writable, and no other pointer into the image
            // exists.
            let bytes = unsafe { slice::from_raw_parts_mut(start, size) };
            file.read_at(bytes, segment.offset).map_err(unreadable)?;
        }
        Ok(())
    }

    /// Maps a segment whose pages are shared with the file until a write to them.
    fn map_segment(&self, file: &File, segment: &Segment, flags: i32) -> Result<(), Defect> {
        let protection = protection(segment);
        let (pages, file_pages) = (segment.pages(), segment.file_pages());
        if !file_pages.is_empty() {
            let offset = segment.offset - (segment.address - pages.start);
            self.map_pages(pages.start, file_pages.end, protection, flags, Some((file, offset)))?;
        }
        if pages.end > file_pages.end {
            self.map_pages(file_pages.end, pages.end, protection, libc::MAP_ANONYMOUS, None)?;
        }
        // After the segment's bytes, their last page holds the file's next section, which must read
        // as zero where the segment continues. (A read-only segment never continues.)
        let file_end = segment.address + segment.file_size;
        let zeros = file_pages.end.min(segment.address + segment.memory_size)
            - file_end.min(file_pages.end);
        if segment.writable && zeros > 0 {
            let size = usize::try_from(zeros).unwrap_or(0);
            // SAFETY: the range was just mapped writable, and no other pointer into the image
            // exists.
            unsafe { ptr::write_bytes(self.pointer(file_end), 0, size) };
        }
        Ok(())
    }

    /// Maps pages of `file`, or zeros, over a part of the range.
    fn map_pages(
        &self,
        from: u64,
        to: u64,
        protection: i32,
        flags: i32,
        file: Option<(&File, u64)>,
    ) -> Result<(), Defect> {
        let size = usize::try_from(to - from).unwrap_or(usize::MAX);
        let (descriptor, offset) = file.map_or((-1, 0), |(file, offset)| {
            (file.descriptor(), offset.wrapping_add(file.start()))
        });
        let flags = libc::MAP_PRIVATE | libc::MAP_FIXED | flags;
        // The kernel refuses a negative offset.
        let offset = offset.cast_signed();
        // SAFETY: `from..to` are pages of a segment, so they lie inside the range that this image
        // owns, and no pointer into it exists yet.
        let at = unsafe {
            libc::mmap(self.pointer(from).cast(), size, protection, flags, descriptor, offset)
        };
        if at == libc::MAP_FAILED {
            return Err(Defect::MapFailed { reason: Errno::last().words() });
        }
        Ok(())
    }

    /// The live address of a file-relative one.
    pub(crate) fn live(&self, address: u64) -> u64 {
        self.base().wrapping_add(address)
    }

    /// The difference between a live and a file-relative address.
    pub(crate) fn base(&self) -> u64 {
        (self.range.start.addr() as u64).wrapping_sub(self.low)
    }

    /// The live addresses that belong to this image.
    pub fn range(&self) -> core::ops::Range<usize> {
        self.range.start.addr()..self.range.start.addr() + self.range.size
    }

    /// The live address, if it lies in an executable segment.
    pub fn code(&self, live: u64) -> Option<u64> {
        let address = live.wrapping_sub(self.base());
        self.segment_of(address, 1).filter(|segment| segment.executable).map(|_| live)
    }

    /// Starts reading the code around a function.
    pub fn will_run(&self, live: u64) {
        if self.in_parts {
            let address = live.wrapping_sub(self.base());
            self.range.read_ahead(
                (address - address % CODE_READ_AHEAD).saturating_sub(self.low),
                CODE_READ_AHEAD,
            );
        }
    }

    /// The live address of `size` bytes, if they lie in one segment.
    pub(crate) fn data(&self, address: u64, size: u64) -> Option<u64> {
        self.segment_of(address, size).map(|_| self.live(address))
    }

    /// The bytes from a live address to the end of its segment.
    ///
    /// # Safety
    /// No code writes to that segment while the slice is used.
    pub unsafe fn bytes_at(&self, live: u64) -> Option<&[u8]> {
        let address = live.wrapping_sub(self.base());
        let segment = self.segment_of(address, 1)?;
        let size = usize::try_from(segment.address + segment.memory_size - address).ok()?;
        // SAFETY: the bytes are mapped readable for as long as the image lives; the caller keeps
        // others from writing.
        Some(unsafe { slice::from_raw_parts(self.pointer(address), size) })
    }

    /// The read-only segments.
    pub(crate) fn tables(&self) -> Tables<'_> {
        let segments = self.segments.iter().filter(|segment| !segment.writable);
        let bytes = |segment: &Segment| {
            let size = usize::try_from(segment.memory_size).unwrap_or(0);
            // SAFETY: the bytes are mapped readable for as long as the image lives, and no `Data`
            // can write to a segment that is not writable.
            (segment.address, unsafe { slice::from_raw_parts(self.pointer(segment.address), size) })
        };
        Tables::new(segments.map(bytes).collect())
    }

    /// The read-only and the writable segments, for relocation.
    pub(crate) fn parts(&mut self) -> (Tables<'_>, Data<'_>) {
        let image = &*self;
        let segments = image.segments.iter().filter(|segment| segment.writable);
        let bytes = |segment: &Segment| {
            let size = usize::try_from(segment.memory_size).unwrap_or(0);
            let start = image.pointer(segment.address);
            // SAFETY: the bytes are mapped writable for as long as the image lives; there is one
            // `Data` at a time (the image is borrowed mutably), and no two segments share a byte.
            (segment.address, unsafe { slice::from_raw_parts_mut(start, size) })
        };
        let data = Data::new(segments.map(bytes).collect());
        (image.tables(), data)
    }

    /// Makes the whole pages of `extent` read-only, as ld.so does for RELRO.
    pub(crate) fn protect(&self, extent: &Extent) -> Result<(), Errno> {
        let start = page_floor(extent.address);
        let end = page_floor(extent.address.saturating_add(extent.size));
        let inside = start >= self.low && end <= self.low + self.range.size as u64;
        if end <= start || !inside {
            return Ok(());
        }
        let size = usize::try_from(end - start).unwrap_or(0);
        // SAFETY: the range lies in this image, and the caller promises that no code writes there.
        let result = unsafe { libc::mprotect(self.pointer(start).cast(), size, libc::PROT_READ) };
        if result == 0 { Ok(()) } else { Err(Errno::last()) }
    }

    fn pointer(&self, address: u64) -> *mut u8 {
        self.range.start.wrapping_add(usize::try_from(address - self.low).unwrap_or(usize::MAX))
    }

    fn segment_of(&self, address: u64, size: u64) -> Option<&Segment> {
        segment_at(&self.segments, address, size)
    }
}

/// The number of leading segments that are writable and adjacent, with at most `max_size` bytes of
/// pages in the file.
fn few_writable(segments: &[Segment], max_size: u64) -> usize {
    let start = segments.first().map_or(0, |first| first.pages().start);
    let mut end = start;
    let few = segments.iter().take_while(|segment| {
        let is_next = segment.writable && segment.pages().start == end;
        end = segment.pages().end;
        is_next && segment.file_pages().end - start <= max_size
    });
    few.count()
}

fn protection(segment: &Segment) -> i32 {
    let write = if segment.writable { libc::PROT_WRITE } else { 0 };
    let execute = if segment.executable { libc::PROT_EXEC } else { 0 };
    libc::PROT_READ | write | execute
}
