//! The library that each symbol was found in when this one was linked, for reports. The linker
//! notes it with the symbol's version (`.gnu.version_r`); loading does not need it.
//!
//! Source: Linux Standard Base, "Symbol Versioning".

use alloc::collections::BTreeMap;
use alloc::string::String;

use super::elf::u16_at;
use super::elf::u32_at;
use super::sections::SHT_DYNSYM;
use super::sections::SHT_GNU_VERNEED;
use super::sections::SHT_GNU_VERSYM;
use super::sections::Section;
use super::sections::sections;
use super::symbol::Symbol;

/// Bytes of `Elf64_Verneed` and of `Elf64_Vernaux`.
const ENTRY_SIZE: usize = 16;
/// The bit of a version's index that hides the symbol from linkers.
const HIDDEN: u16 = 0x8000;

/// Undefined symbols with a version, and the library of each. Symbols of libraries that have no
/// versions are absent; so are all if the file's tables are damaged.
pub fn libraries_by_symbol(file: &[u8]) -> BTreeMap<String, String> {
    read(file).unwrap_or_default()
}

fn read(file: &[u8]) -> Option<BTreeMap<String, String>> {
    let of_kind = |kind| sections(file).find(|section| section.kind() == kind);
    let libraries = libraries_by_version(file, of_kind(SHT_GNU_VERNEED)?)?;
    let versions = of_kind(SHT_GNU_VERSYM)?.content(file)?.chunks_exact(2);
    let symbols = of_kind(SHT_DYNSYM)?;
    let names = linked(file, symbols)?;
    let symbols = symbols.content(file)?.as_chunks().0.iter().map(Symbol::read);
    let undefined = symbols.zip(versions).filter(|(symbol, _)| !symbol.is_defined());
    let found = undefined.filter_map(|(symbol, version)| {
        let library = libraries.get(&(u16_at(version, 0) & !HIDDEN))?;
        Some((text(names, symbol.name)?, library.clone()))
    });
    Some(found.collect())
}

/// The library of each version's index.
fn libraries_by_version(file: &[u8], section: Section) -> Option<BTreeMap<u16, String>> {
    let (table, names) = (section.content(file)?, linked(file, section)?);
    let mut libraries = BTreeMap::new();
    let mut rest = table;
    loop {
        let library = rest.get(..ENTRY_SIZE)?;
        let name = text(names, u32_at(library, 4))?;
        let mut versions = rest.get(usize::try_from(u32_at(library, 8)).ok()?..)?;
        for _ in 0..u16_at(library, 2) {
            let version = versions.get(..ENTRY_SIZE)?;
            libraries.insert(u16_at(version, 6), name.clone());
            match usize::try_from(u32_at(version, 12)).ok()? {
                0 => break,
                next => versions = versions.get(next..)?,
            }
        }
        match usize::try_from(u32_at(library, 12)).ok()? {
            0 => return Some(libraries),
            next => rest = rest.get(next..)?,
        }
    }
}

/// The bytes of the section that this one refers to.
fn linked<'a>(file: &'a [u8], section: Section<'a>) -> Option<&'a [u8]> {
    sections(file).nth(section.link()?)?.content(file)
}

fn text(names: &[u8], start: u32) -> Option<String> {
    let name = names.get(usize::try_from(start).ok()?..)?;
    let end = name.iter().position(|&byte| byte == 0)?;
    Some(String::from_utf8_lossy(&name[..end]).into_owned())
}
