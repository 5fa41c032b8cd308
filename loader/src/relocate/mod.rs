//! Applies relocations: one switch over the closed vocabulary of [`super::arch`].
//!
//! Binding is immediate (no lazy PLT), and a library's own definitions come first, unless it
//! exports a heap. Missing symbols are collected, so that one refusal names them all.

pub mod rela;
pub mod relr;
mod scope;

pub use self::scope::Provider;
pub use self::scope::Scope;

use self::rela::RawRela;
use self::rela::Rela;
use self::rela::low_half;
use self::relr::word_index;
use self::scope::Missing;
use super::arch::Machine;
use super::dynamic::Dynamic;
use super::error::Defect;
use super::memory::Data;
use super::memory::Tables;
use super::memory::table;
use super::symbol::Symbols;

/// Applies every relocation of the library.
pub fn relocate<M: Machine>(
    dynamic: &Dynamic,
    symbols: &Symbols,
    tables: &Tables,
    data: &mut Data,
    scope: &Scope,
) -> Result<(), Defect> {
    let bad = |what| Defect::BadTable { what };
    if dynamic.relr.1 > 0 {
        let relr = table(dynamic.relr.0, dynamic.relr.1, tables, Some(data))
            .ok_or(bad("table of relative relocations"))?;
        relr::apply(&relr, data, scope.base)?;
    }
    let mut missing = Missing::default();
    for (address, size) in [dynamic.rela, dynamic.plt] {
        if size == 0 {
            continue;
        }
        let entries =
            table(address, size, tables, Some(data)).ok_or(bad("table of relocations"))?;
        let mut entries = Rela::raw(&entries);
        while let Some((first, others)) = entries.split_first() {
            let entry = Rela::from_raw(first);
            let value = if entry.kind == M::RELATIVE {
                Some(scope.base.wrapping_add(entry.addend))
            } else {
                entry.value::<M>(symbols, scope, &mut missing, data)?
            };
            if let Some(value) = value {
                match data.word(entry.offset) {
                    Some(word) => *word = value.to_le_bytes(),
                    None => return Err(Defect::BadRelocation { offset: entry.offset }),
                }
            }
            let (start, words) = data.words();
            entries = relocate_run::<M>(others, start, words, scope.base);
        }
    }
    missing.into_result()
}

/// Applies relative relocations up to the first that is of another kind or outside `words` (which
/// begin at `start`), and returns the remaining ones. Nearly all relocations are relative, and a
/// large library has tens of thousands: its init spends most of its time in this loop.
fn relocate_run<'a, M: Machine>(
    mut entries: &'a [RawRela],
    start: u64,
    words: &mut [[u8; 8]],
    base: u64,
) -> &'a [RawRela] {
    while let [[offset, info, addend], others @ ..] = entries {
        let index = word_index(u64::from_le_bytes(*offset), start);
        let word = index.and_then(|index| words.get_mut(index));
        match word {
            Some(word) if low_half(u64::from_le_bytes(*info)) == M::RELATIVE => {
                *word = base.wrapping_add(u64::from_le_bytes(*addend)).to_le_bytes();
            }
            _ => break,
        }
        entries = others;
    }
    entries
}

#[cfg(test)]
mod tests;
