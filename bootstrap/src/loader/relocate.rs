//! Applies relocations: one switch over the closed vocabulary of [`super::arch`].
//!
//! Binding is immediate (no lazy PLT), and a library's own definitions come first. Missing symbols
//! are collected, so that one refusal names them all.

use alloc::string::String;
use alloc::vec::Vec;

use super::arch;
use super::arch::Relocation;
use super::dynamic::Dynamic;
use super::dynamic::Symbols;
use super::dynamic::table;
use super::elf::u32_at;
use super::elf::u64_at;
use super::error::Defect;
use super::map::Data;
use super::map::Tables;
use crate::loader::Host;
use crate::loader::TlsPlace;

const RELA_SIZE: usize = 24;
/// How many missing symbols a refusal names.
const MOST_NAMES: usize = 8;

/// What relocations refer to beside the file itself.
pub struct Scope<'a> {
    /// The base address.
    pub base: u64,
    /// Where undefined symbols are looked up.
    pub host: &'a dyn Host,
    /// Where the library's thread-locals are, if it has any.
    pub tls: Option<TlsPlace>,
}

/// Applies every relocation of the library.
pub fn relocate(
    dynamic: &Dynamic,
    symbols: &Symbols,
    tables: &Tables,
    data: &mut Data,
    scope: &Scope,
) -> Result<(), Defect> {
    let bad = |what| Defect::BadTable { what };
    if dynamic.relr.1 > 0 {
        let relr = table(dynamic.relr.0, dynamic.relr.1, tables, data)
            .ok_or(bad("table of relative relocations"))?;
        apply_relative(&relr, data, scope.base)?;
    }
    let mut missing = Missing::default();
    for (address, size) in [dynamic.rela, dynamic.plt] {
        if size == 0 {
            continue;
        }
        let entries = table(address, size, tables, data).ok_or(bad("table of relocations"))?;
        for entry in entries.chunks_exact(RELA_SIZE) {
            apply(entry, symbols, data, scope, &mut missing)?;
        }
    }
    missing.into_result()
}

fn apply(
    entry: &[u8],
    symbols: &Symbols,
    data: &mut Data,
    scope: &Scope,
    missing: &mut Missing,
) -> Result<(), Defect> {
    let place = u64_at(entry, 0);
    let kind = u32_at(entry, 8);
    let symbol = u32_at(entry, 12);
    let addend = u64_at(entry, 16);
    let relocation =
        arch::relocation(kind).map_err(|what| Defect::UnsupportedRelocation { kind, what })?;
    let value = match relocation {
        Relocation::None => return Ok(()),
        Relocation::Relative => scope.base.wrapping_add(addend),
        Relocation::Slot => resolve(symbol, symbols, scope, missing)?,
        Relocation::Absolute => resolve(symbol, symbols, scope, missing)?.wrapping_add(addend),
        Relocation::TlsModule => thread_local(symbol, symbols, scope)?.0.module,
        Relocation::TlsOffset => thread_local(symbol, symbols, scope)?.1.wrapping_add(addend),
        Relocation::ThreadPointerOffset => {
            let (place, offset) = thread_local(symbol, symbols, scope)?;
            place.thread_pointer_offset.wrapping_add(offset).wrapping_add(addend)
        }
    };
    if data.set(place, value) { Ok(()) } else { Err(Defect::BadRelocation { address: place }) }
}

/// The live address of a symbol; 0 for a weak one that nobody defines.
fn resolve(
    index: u32,
    symbols: &Symbols,
    scope: &Scope,
    missing: &mut Missing,
) -> Result<u64, Defect> {
    // Index 0 is the null symbol: its address is 0 by definition.
    if index == 0 {
        return Ok(0);
    }
    let symbol = symbols.get(index).ok_or(Defect::BadTable { what: "symbol table" })?;
    if symbol.is_indirect_function() && symbol.is_defined() {
        let what = "a symbol that is an indirect function";
        return Err(Defect::UnsupportedRelocation { kind: 6, what });
    }
    if symbol.is_absolute() {
        return Ok(symbol.value);
    }
    if symbol.is_defined() {
        return Ok(scope.base.wrapping_add(symbol.value));
    }
    let name = symbols.name(&symbol).ok_or(Defect::BadTable { what: "string table" })?;
    match scope.host.symbol(name) {
        Some(address) => Ok(address),
        None if symbol.is_weak() => Ok(0),
        None => {
            missing.add(name);
            Ok(0)
        }
    }
}

/// Where a thread-local's library keeps them, and its offset there.
fn thread_local(index: u32, symbols: &Symbols, scope: &Scope) -> Result<(TlsPlace, u64), Defect> {
    let tls = scope.tls.ok_or(Defect::BadTls)?;
    if index == 0 {
        return Ok((tls, 0));
    }
    let symbol = symbols.get(index).ok_or(Defect::BadTable { what: "symbol table" })?;
    if symbol.is_defined() {
        return Ok((tls, symbol.value));
    }
    let name = symbols.name(&symbol).unwrap_or_default();
    let names = alloc::vec![String::from_utf8_lossy(name).into_owned()];
    Err(Defect::MissingSymbols { names, count: 1 })
}

/// `DT_RELR`: an even word is a place; an odd one is a bitmap of the 63 words that follow it.
/// Source: the gABI's "Relative Relocation Table".
fn apply_relative(relr: &[u8], data: &mut Data, base: u64) -> Result<(), Defect> {
    let mut place: u64 = 0;
    for entry in relr.chunks_exact(8) {
        let entry = u64_at(entry, 0);
        if entry & 1 == 0 {
            add_base(entry, data, base)?;
            place = entry.wrapping_add(8);
            continue;
        }
        for bit in 0..63 {
            if entry >> (bit + 1) & 1 != 0 {
                add_base(place.wrapping_add(bit * 8), data, base)?;
            }
        }
        place = place.wrapping_add(63 * 8);
    }
    Ok(())
}

fn add_base(place: u64, data: &mut Data, base: u64) -> Result<(), Defect> {
    let Some(bytes) = data.bytes(place, 8) else {
        return Err(Defect::BadRelocation { address: place });
    };
    let value = u64_at(bytes, 0).wrapping_add(base);
    bytes.copy_from_slice(&value.to_le_bytes());
    Ok(())
}

#[derive(Default)]
struct Missing {
    names: Vec<String>,
    count: usize,
}

impl Missing {
    fn add(&mut self, name: &[u8]) {
        let name = String::from_utf8_lossy(name);
        if self.names.iter().any(|known| *known == name) {
            return;
        }
        self.count += 1;
        if self.names.len() < MOST_NAMES {
            self.names.push(name.into_owned());
        }
    }

    fn into_result(self) -> Result<(), Defect> {
        if self.count == 0 {
            return Ok(());
        }
        Err(Defect::MissingSymbols { names: self.names, count: self.count })
    }
}
