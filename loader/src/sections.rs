//! The section headers. Loading does not need them; reports to people do.

use core::ops::Range;

use super::elf::HEADER_SIZE;
use super::elf::u16_at;
use super::elf::u32_at;
use super::elf::u64_at;

const SECTION_SIZE: usize = 64;
const SHF_ALLOC: u64 = 2;
const SHF_EXECINSTR: u64 = 4;

/// The symbols for linkers and debuggers, which `strip` removes.
pub const SHT_SYMTAB: u32 = 2;
/// A section without bytes in the file.
const SHT_NOBITS: u32 = 8;
/// The symbols for the loader.
pub const SHT_DYNSYM: u32 = 11;
/// The versions of the symbols that the file needs, by library.
pub const SHT_GNU_VERNEED: u32 = 0x6fff_fffe;
/// The index of each symbol's version.
pub const SHT_GNU_VERSYM: u32 = 0x6fff_ffff;

/// One section header, as its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Section<'a>(&'a [u8]);

impl<'a> Section<'a> {
    /// `sh_type`.
    pub fn kind(self) -> u32 {
        u32_at(self.0, 4)
    }

    /// Whether it holds code.
    pub fn is_code(self) -> bool {
        u64_at(self.0, 8) & SHF_EXECINSTR != 0 && self.kind() != SHT_NOBITS
    }

    /// `sh_link`: the index of the section that this one refers to.
    pub fn link(self) -> Option<usize> {
        usize::try_from(u32_at(self.0, 40)).ok()
    }

    /// Offsets of its bytes in the file.
    pub fn range(self) -> Option<Range<usize>> {
        let start = usize::try_from(u64_at(self.0, 24)).ok()?;
        let size = usize::try_from(u64_at(self.0, 32)).ok()?;
        Some(start..start.checked_add(size)?)
    }

    /// Its bytes in `file`.
    pub fn content(self, file: &'a [u8]) -> Option<&'a [u8]> {
        file.get(self.range()?)
    }
}

/// The sections of a file; none if its header names none.
pub fn sections(file: &[u8]) -> impl Iterator<Item = Section<'_>> + Clone {
    let table = || {
        let header = file.get(..HEADER_SIZE)?;
        let start = usize::try_from(u64_at(header, 40)).ok()?;
        let count = usize::from(u16_at(header, 60));
        file.get(start..start.checked_add(count * SECTION_SIZE)?)
    };
    table().unwrap_or_default().chunks_exact(SECTION_SIZE).map(Section)
}

/// Bytes of the file that are symbols and debug information, which `strip` removes.
pub fn strippable_size(file: &[u8]) -> usize {
    let unmapped = sections(file)
        .filter(|section| u64_at(section.0, 8) & SHF_ALLOC == 0 && section.kind() != SHT_NOBITS);
    let sizes = unmapped.filter_map(|section| section.content(file)).map(<[u8]>::len);
    // Without symbols, only the section names and the compiler's comment are left.
    let all = sizes.fold(0, usize::saturating_add);
    if sections(file).any(|section| section.kind() == SHT_SYMTAB) { all } else { 0 }
}
