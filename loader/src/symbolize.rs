//! The symbol nearest to an address, read out of a library's file: what a report of a crash names.
//!
//! It runs in a signal handler, so it allocates nothing, and trusts the file no more than the loader
//! does.

use super::elf::u16_at;
use super::elf::u32_at;
use super::elf::u64_at;
use super::sections::sections;

const SYMBOL_SIZE: usize = 24;
pub const SHT_SYMTAB: u32 = 2;
const SHT_DYNSYM: u32 = 11;
const STT_FUNC: u8 = 2;

/// The name of the function that begins at or before `address` (relative to the base), and how far
/// that is; None where the file names none.
pub fn nearest_symbol(file: &[u8], address: u64) -> Option<(&[u8], u64)> {
    let (name, start) =
        nearest_in(file, SHT_SYMTAB, address).or_else(|| nearest_in(file, SHT_DYNSYM, address))?;
    Some((name, address - start))
}

/// Whether the file defines a local function of this name; never true of a file that was stripped.
pub fn has_local(file: &[u8], wanted: &[u8]) -> bool {
    const STB_LOCAL: u8 = 0;
    let found = || {
        let table = sections(file).find(|section| section.kind() == SHT_SYMTAB)?;
        let names = sections(file).nth(table.link()?)?.content(file)?;
        let mut functions = table.content(file)?.chunks_exact(SYMBOL_SIZE).filter(|symbol| {
            symbol[4] >> 4 == STB_LOCAL && symbol[4] & 0xf == STT_FUNC && u16_at(symbol, 6) != 0
        });
        functions.find(|symbol| {
            let name = usize::try_from(u32_at(symbol, 0)).ok().and_then(|start| names.get(start..));
            let rest = name.and_then(|name| name.strip_prefix(wanted));
            rest.is_some_and(|rest| rest.first() == Some(&0))
        })
    };
    found().is_some()
}

fn nearest_in(file: &[u8], kind: u32, address: u64) -> Option<(&[u8], u64)> {
    let table = sections(file).find(|section| section.kind() == kind)?;
    let names = sections(file).nth(table.link()?)?.content(file)?;
    let functions = table.content(file)?.chunks_exact(SYMBOL_SIZE).filter(|symbol| {
        symbol[4] & 0xf == STT_FUNC && u16_at(symbol, 6) != 0 && u64_at(symbol, 8) <= address
    });
    let nearest = functions.max_by_key(|symbol| u64_at(symbol, 8))?;
    let name = names.get(usize::try_from(u32_at(nearest, 0)).ok()?..)?;
    let end = name.iter().position(|&byte| byte == 0)?;
    Some((&name[..end], u64_at(nearest, 8)))
}
