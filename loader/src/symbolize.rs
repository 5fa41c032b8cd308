//! The symbol nearest to an address, read out of a library's file: what a report of a crash names.
//!
//! It runs in a signal handler, so it allocates nothing, and trusts the file no more than the loader
//! does.

use super::elf::u16_at;
use super::elf::u32_at;
use super::elf::u64_at;

const SECTION_SIZE: usize = 64;
const SYMBOL_SIZE: usize = 24;
const SHT_SYMTAB: u32 = 2;
const SHT_DYNSYM: u32 = 11;
const STT_FUNC: u8 = 2;

/// The name of the function that begins at or before `address` (relative to the base), and how far
/// that is; None where the file names none.
pub fn nearest_symbol(file: &[u8], address: u64) -> Option<(&[u8], u64)> {
    let (name, start) =
        nearest_in(file, SHT_SYMTAB, address).or_else(|| nearest_in(file, SHT_DYNSYM, address))?;
    Some((name, address - start))
}

fn nearest_in(file: &[u8], kind: u32, address: u64) -> Option<(&[u8], u64)> {
    let sections = sections(file)?;
    let table = sections.clone().find(|section| u32_at(section, 4) == kind)?;
    let link = usize::try_from(u32_at(table, 40)).ok()?;
    let names = content(file, sections.clone().nth(link)?)?;
    let functions = content(file, table)?.chunks_exact(SYMBOL_SIZE).filter(|symbol| {
        symbol[4] & 0xf == STT_FUNC && u16_at(symbol, 6) != 0 && u64_at(symbol, 8) <= address
    });
    let nearest = functions.max_by_key(|symbol| u64_at(symbol, 8))?;
    let name = names.get(usize::try_from(u32_at(nearest, 0)).ok()?..)?;
    let end = name.iter().position(|&byte| byte == 0)?;
    Some((&name[..end], u64_at(nearest, 8)))
}

fn sections(file: &[u8]) -> Option<core::slice::ChunksExact<'_, u8>> {
    let header = file.get(..64)?;
    let start = usize::try_from(u64_at(header, 40)).ok()?;
    let count = usize::from(u16_at(header, 60));
    let end = start.checked_add(count * SECTION_SIZE)?;
    Some(file.get(start..end)?.chunks_exact(SECTION_SIZE))
}

fn content<'a>(file: &'a [u8], section: &[u8]) -> Option<&'a [u8]> {
    let start = usize::try_from(u64_at(section, 24)).ok()?;
    let size = usize::try_from(u64_at(section, 32)).ok()?;
    file.get(start..start.checked_add(size)?)
}
