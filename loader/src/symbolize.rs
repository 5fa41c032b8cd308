//! The symbol nearest to an address, read out of a library's file, for the report of a crash.
//!
//! It runs in a signal handler, so it allocates nothing. The bytes of the file are checked as the
//! loader checks them.

use super::sections::SHT_DYNSYM;
use super::sections::SHT_SYMTAB;
use super::sections::sections;
use super::symbol::Symbol;

/// The name of the function that begins at or before `address` (relative to the base), and the
/// distance from its start; None if the file names none.
pub fn nearest_symbol(file: &[u8], address: u64) -> Option<(&[u8], u64)> {
    let (name, start) =
        nearest_in(file, SHT_SYMTAB, address).or_else(|| nearest_in(file, SHT_DYNSYM, address))?;
    Some((name, address - start))
}

/// Whether the file defines a local function of this name; never true of a stripped file.
pub fn has_local(file: &[u8], name: &[u8]) -> bool {
    let is_named = |symbol: Symbol, names: &[u8]| {
        let found = usize::try_from(symbol.name).ok().and_then(|start| names.get(start..));
        let rest = found.and_then(|found| found.strip_prefix(name));
        rest.is_some_and(|rest| rest.first() == Some(&0))
    };
    functions_in(file, SHT_SYMTAB).is_some_and(|(mut functions, names)| {
        functions.any(|symbol| symbol.is_local() && is_named(symbol, names))
    })
}

fn nearest_in(file: &[u8], kind: u32, address: u64) -> Option<(&[u8], u64)> {
    let (functions, names) = functions_in(file, kind)?;
    let nearest =
        functions.filter(|symbol| symbol.value <= address).max_by_key(|symbol| symbol.value)?;
    let name = names.get(usize::try_from(nearest.name).ok()?..)?;
    let end = name.iter().position(|&byte| byte == 0)?;
    Some((&name[..end], nearest.value))
}

/// The functions that the first symbol table of this kind defines, and its string table.
fn functions_in(file: &[u8], kind: u32) -> Option<(impl Iterator<Item = Symbol>, &[u8])> {
    let table = sections(file).find(|section| section.kind() == kind)?;
    let names = sections(file).nth(table.link()?)?.content(file)?;
    let symbols = table.content(file)?.as_chunks().0.iter().map(Symbol::read);
    Some((symbols.filter(|symbol| symbol.is_function() && symbol.is_defined()), names))
}
