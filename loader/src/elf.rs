//! The headers of an ELF file, read with checked arithmetic from untrusted bytes.
//!
//! Sources: the System V gABI, chapters 4 and 5. Nothing here touches memory
//! that the file names: bytes become numbers, or the [`Defect`] that names the fault.

use alloc::vec::Vec;
use core::ops::Range;

use super::arch;
use super::arch::Machine;
use super::arch::Native;
use super::error::Defect;
use super::tls::TlsTemplate;

/// Pages are 4 KiB on every CPU that Lambda offers.
const PAGE: u64 = 4096;

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

/// The segment that holds `size` bytes at `address`.
pub fn segment_at(segments: &[Segment], address: u64, size: u64) -> Option<&Segment> {
    segments.iter().find(|segment| {
        let end = segment.address + segment.memory_size;
        address >= segment.address && address.checked_add(size).is_some_and(|last| last <= end)
    })
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

/// The start of the page that holds `address`.
pub const fn page_floor(address: u64) -> u64 {
    address & !(PAGE - 1)
}

/// The start of the first page at or after `address`. The caller has checked that it exists.
pub const fn page_ceil(address: u64) -> u64 {
    page_floor(address + (PAGE - 1))
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
mod tests {
    use super::*;
    use crate::arch::Aarch64;
    use crate::arch::X86_64;

    /// A valid ELF header, and one program header of each kind that is required.
    fn sound() -> Vec<u8> {
        let mut file = Vec::new();
        file.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
        file.extend_from_slice(&3u16.to_le_bytes());
        file.extend_from_slice(&Native::NUMBER.to_le_bytes());
        file.resize(32, 0);
        file.extend_from_slice(&64u64.to_le_bytes());
        file.resize(54, 0);
        file.extend_from_slice(&56u16.to_le_bytes());
        file.extend_from_slice(&2u16.to_le_bytes());
        file.resize(64, 0);
        push_header(&mut file, PT_LOAD, 0, 0x1000, 0x1000);
        push_header(&mut file, PT_DYNAMIC, 0x800, 0x100, 0x100);
        file.resize(0x1000, 0);
        file
    }

    fn push_header(file: &mut Vec<u8>, kind: u32, address: u64, file_size: u64, size: u64) {
        file.extend_from_slice(&kind.to_le_bytes());
        file.extend_from_slice(&4u32.to_le_bytes());
        for word in [address, address, address, file_size, size, PAGE] {
            file.extend_from_slice(&word.to_le_bytes());
        }
    }

    #[test]
    fn a_sound_file_is_parsed() {
        let parsed = parse(&sound()).expect("sound");
        assert_eq!(parsed.segments.len(), 1);
        assert_eq!(parsed.dynamic, Extent { address: 0x800, size: 0x100 });
    }

    #[test]
    fn each_defect_of_the_header_has_its_name() {
        let edit = |offset: usize, byte: u8| {
            let mut file = sound();
            file[offset] = byte;
            parse(&file).expect_err("damaged")
        };
        assert_eq!(edit(0, 0), Defect::NotElf);
        assert_eq!(edit(4, 1), Defect::Not64Bit);
        let big_endian = Defect::WrongMachine { machine: "a big-endian CPU" };
        assert_eq!(edit(5, 2), big_endian);
        assert_eq!(edit(18, 243), Defect::WrongMachine { machine: "RISC-V" });
        assert_eq!(edit(16, 2), Defect::Executable);
        assert_eq!(edit(16, 1), Defect::ObjectFile);
        assert_eq!(edit(56, 0), Defect::ProgramHeaders { count: 0, entry_size: 56 });
        assert!(matches!(parse(&sound()[..70]), Err(Defect::Truncated { .. })));
    }

    #[test]
    fn each_cpu_parses_its_own_files_alone() {
        let file_for = |number: u16| {
            let mut file = sound();
            file[18..20].copy_from_slice(&number.to_le_bytes());
            file
        };
        let (x86, arm) = (file_for(X86_64::NUMBER), file_for(Aarch64::NUMBER));
        assert_eq!([machine(&x86), machine(&arm)], [Some(X86_64::NUMBER), Some(Aarch64::NUMBER)]);
        assert_eq!([machine(&x86[..63]), machine(b"#!/bin/sh")], [None, None]);
        assert!(parse_for::<X86_64>(&x86).is_ok() && parse_for::<Aarch64>(&arm).is_ok());
        let refused = parse_for::<X86_64>(&arm).expect_err("another CPU");
        assert_eq!(refused, Defect::WrongMachine { machine: "arm64" });
        let refused = parse_for::<Aarch64>(&x86).expect_err("another CPU");
        assert_eq!(refused, Defect::WrongMachine { machine: "x86_64" });
    }

    #[test]
    fn a_segment_that_reaches_past_the_file_or_the_address_space_is_refused() {
        let mut file = sound();
        file[64 + 32..64 + 40].copy_from_slice(&0x1001u64.to_le_bytes());
        assert!(matches!(parse(&file), Err(Defect::Truncated { .. })));
        let mut file = sound();
        file[64 + 40..64 + 48].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(parse(&file).expect_err("huge"), Defect::BadSegment { address: 0 });
    }

    #[test]
    fn no_byte_of_the_headers_can_make_the_parser_fail_otherwise() {
        for offset in 0..176 {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut file = sound();
                file[offset] = byte;
                let _ = parse(&file);
            }
        }
    }
}
