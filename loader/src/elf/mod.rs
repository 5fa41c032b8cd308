//! The headers of an ELF file, read with checked arithmetic from untrusted bytes.
//!
//! Sources: the System V gABI, chapters 4 and 5. Nothing here touches memory
//! that the file names: bytes become numbers, or the [`Defect`] that names the fault.

mod segment;

use alloc::vec::Vec;
use core::ops::Range;

pub use self::segment::Segment;
pub use self::segment::page_ceil;
pub use self::segment::page_floor;
pub use self::segment::segment_at;

use self::segment::PAGE;
use super::arch;
use super::arch::Machine;
use super::arch::Native;
use super::error::Defect;
use super::tls::TlsTemplate;

/// Bytes of the ELF header.
pub const HEADER_SIZE: usize = 64;
/// Bytes of a program header.
pub const PROGRAM_HEADER_SIZE: usize = 56;
/// Program headers of one file: far more than linkers write (about a dozen), far fewer than would
/// cost memory.
const MAX_PROGRAM_HEADERS: usize = 128;

/// Bytes of an image: position-independent code reaches at least 31 bits from an instruction.
const MAX_IMAGE_SIZE: u64 = 1 << 31;

/// End of a process's addresses: Linux's `TASK_SIZE`, where it is smallest.
const MAX_ADDRESS: u64 = 1 << 47;

const ELFCLASS64: u8 = 2;
const ELFDATA2LSB: u8 = 1;

const ET_REL: u16 = 1;
const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const PT_TLS: u32 = 7;
const PT_GNU_EH_FRAME: u32 = 0x6474_e550;
const PT_GNU_RELRO: u32 = 0x6474_e552;

const PF_X: u32 = 1;
const PF_W: u32 = 2;

/// A range of the image, as a program header names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// First address, relative to the base.
    pub address: u64,
    /// Length in memory.
    pub size: u64,
}

/// A file whose headers have been read and found loadable.
#[derive(Debug)]
pub struct Parsed {
    /// In ascending order, on pages of their own.
    pub segments: Vec<Segment>,
    /// `PT_DYNAMIC`.
    pub dynamic: Extent,
    /// `PT_TLS`.
    pub tls: Option<TlsTemplate>,
    /// `PT_GNU_RELRO`: read-only once relocated.
    pub relro: Option<Extent>,
    /// `PT_GNU_EH_FRAME`: the unwinder's table.
    pub eh_frame_header: Option<Extent>,
    /// Offsets of the program headers in the file, for `dl_iterate_phdr`.
    pub program_headers: Range<usize>,
}

impl Parsed {
    /// The segment that holds `size` bytes at `address`.
    pub fn segment_at(&self, address: u64, size: u64) -> Option<&Segment> {
        segment_at(&self.segments, address, size)
    }
}

/// The CPU that a 64-bit library was built for: `e_machine`.
pub fn machine(file: &[u8]) -> Option<u16> {
    let header = file.get(..HEADER_SIZE)?;
    let is_known =
        header.starts_with(b"\x7fELF") && header[4] == ELFCLASS64 && header[5] == ELFDATA2LSB;
    is_known.then(|| u16_at(header, 18))
}

/// Checks the ELF header, and returns the offsets of the program headers in the file.
fn program_header_range<M: Machine>(header: &[u8]) -> Result<Range<usize>, Defect> {
    let file_size = header.len() as u64;
    if !header.starts_with(b"\x7fELF") {
        return Err(Defect::NotElf);
    }
    if header.len() < HEADER_SIZE {
        return Err(Defect::Truncated { what: "the ELF header", file_size });
    }
    if header[4] != ELFCLASS64 {
        return Err(Defect::Not64Bit);
    }
    if header[5] != ELFDATA2LSB {
        return Err(Defect::WrongMachine { machine: "a big-endian CPU" });
    }
    let machine = u16_at(header, 18);
    if machine != M::NUMBER {
        let machine = arch::machine_name(machine);
        return Err(Defect::WrongMachine { machine });
    }
    match u16_at(header, 16) {
        ET_DYN => {}
        ET_EXEC => return Err(Defect::Executable),
        ET_REL => return Err(Defect::ObjectFile),
        kind => return Err(Defect::UnknownKind { kind }),
    }
    let entry_size = usize::from(u16_at(header, 54));
    let count = usize::from(u16_at(header, 56));
    if entry_size != PROGRAM_HEADER_SIZE || count == 0 || count > MAX_PROGRAM_HEADERS {
        return Err(Defect::ProgramHeaders { count, entry_size });
    }
    let start = usize::try_from(u64_at(header, 32)).unwrap_or(usize::MAX);
    let end = start.checked_add(count * PROGRAM_HEADER_SIZE);
    match end {
        Some(end) if end <= header.len() => Ok(start..end),
        _ => Err(Defect::Truncated { what: "the program headers", file_size }),
    }
}

/// Reads the headers of a library for this CPU and checks that its segments can be mapped.
pub fn parse(file: &[u8]) -> Result<Parsed, Defect> {
    parse_for::<Native>(file)
}

/// As [`parse`], for another CPU. Defects name the CPU of this build as the one to build for.
pub fn parse_for<M: Machine>(file: &[u8]) -> Result<Parsed, Defect> {
    let range = program_header_range::<M>(file)?;
    let headers = &file[range.clone()];
    let file_size = file.len() as u64;
    let mut segments = Vec::new();
    let mut dynamic = None;
    let mut tls = None;
    let mut relro = None;
    let mut eh_frame_header = None;
    let mut interpreter = false;
    for header in headers.chunks_exact(PROGRAM_HEADER_SIZE) {
        let header = ProgramHeader::read(header);
        match header.kind {
            PT_LOAD => segments.push(header.segment(file_size)?),
            PT_DYNAMIC => dynamic = Some(header.extent()),
            PT_TLS => tls = Some(header.tls()?),
            PT_GNU_RELRO => relro = Some(header.extent()),
            PT_GNU_EH_FRAME => eh_frame_header = Some(header.extent()),
            PT_INTERP => interpreter = true,
            _ => {}
        }
    }
    segments.retain(|segment| segment.memory_size != 0);
    let Some(dynamic) = dynamic else {
        return Err(Defect::NotDynamic);
    };
    // A position-independent executable is an ET_DYN too; only it asks for an interpreter and
    // is meant to be started (libc.so has one as well, and is no handler either).
    if interpreter {
        return Err(Defect::Executable);
    }
    if segments.is_empty() {
        return Err(Defect::NoSegments);
    }
    for pair in segments.windows(2) {
        if pair[0].pages().end > pair[1].pages().start {
            return Err(Defect::OverlappingSegments { address: pair[1].address });
        }
    }
    let low = segments[0].pages().start;
    if let Some(far) = segments.iter().find(|segment| segment.pages().end - low > MAX_IMAGE_SIZE) {
        return Err(Defect::BadSegment { address: far.address });
    }
    Ok(Parsed { segments, dynamic, tls, relro, eh_frame_header, program_headers: range })
}

struct ProgramHeader {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    file_size: u64,
    memory_size: u64,
    align: u64,
}

impl ProgramHeader {
    fn read(bytes: &[u8]) -> ProgramHeader {
        ProgramHeader {
            kind: u32_at(bytes, 0),
            flags: u32_at(bytes, 4),
            offset: u64_at(bytes, 8),
            address: u64_at(bytes, 16),
            file_size: u64_at(bytes, 32),
            memory_size: u64_at(bytes, 40),
            align: u64_at(bytes, 48),
        }
    }

    fn extent(&self) -> Extent {
        Extent { address: self.address, size: self.memory_size }
    }

    fn segment(&self, file_size: u64) -> Result<Segment, Defect> {
        let segment = Segment {
            offset: self.offset,
            address: self.address,
            file_size: self.file_size,
            memory_size: self.memory_size,
            writable: self.flags & PF_W != 0,
            executable: self.flags & PF_X != 0,
        };
        let defect = Defect::BadSegment { address: self.address };
        let fits_file = self.offset.checked_add(self.file_size).is_some_and(|end| end <= file_size);
        if !fits_file {
            return Err(Defect::Truncated { what: "a segment", file_size });
        }
        let end = self.address.checked_add(self.memory_size);
        let fits_memory = end.is_some_and(|end| end <= MAX_ADDRESS);
        let same_page_offset = self.offset % PAGE == self.address % PAGE;
        if !fits_memory || self.file_size > self.memory_size || !same_page_offset {
            return Err(defect);
        }
        if segment.writable && segment.executable {
            return Err(Defect::WritableAndExecutable { address: self.address });
        }
        // The zeros after the file's bytes have to be written, so the segment must be writable.
        if self.memory_size > self.file_size && !segment.writable {
            return Err(defect);
        }
        Ok(segment)
    }

    fn tls(&self) -> Result<TlsTemplate, Defect> {
        let align = self.align.max(1);
        if !align.is_power_of_two() || self.file_size > self.memory_size {
            return Err(Defect::BadTls);
        }
        Ok(TlsTemplate {
            address: self.address,
            file_size: self.file_size,
            memory_size: self.memory_size,
            align,
        })
    }
}

/// Reads a little-endian number. The caller has checked that it lies inside `bytes`.
pub fn u16_at(bytes: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes([bytes[offset], bytes[offset + 1]])
}

/// As [`u16_at`].
pub fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[offset..offset + 4]);
    u32::from_le_bytes(word)
}

/// As [`u16_at`].
pub fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[offset..offset + 8]);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests;
