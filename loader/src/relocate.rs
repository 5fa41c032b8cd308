//! Applies relocations: one switch over the closed vocabulary of [`super::arch`].
//!
//! Binding is immediate (no lazy PLT), and a library's own definitions come first, unless it
//! exports a heap. Missing symbols are collected, so that one refusal names them all.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::arch;
use super::arch::Machine;
use super::arch::Relocation;
use super::arch::Unsupported;
use super::dynamic::Dynamic;
use super::dynamic::Symbols;
use super::dynamic::table;
use super::elf::u64_at;
use super::error::Defect;
use super::error::UnsupportedRelocation;
use super::memory::Data;
use super::memory::Tables;
use super::tls::TlsPlace;
use super::tls::TlsTemplate;

/// Missing symbols that a refusal names.
const MAX_NAMES: usize = 8;

/// The symbols and the thread-local storage of the process that maps a library.
pub trait Provider {
    /// The address of a symbol that the process provides, by its name's
    /// [`symbol_hash`](crate::symbol_hash).
    fn symbol(&self, hash: u64) -> Option<u64>;

    /// The address of a symbol, by its name, for which the process has to map a module first.
    fn rare_symbol(&self, name: &[u8]) -> Option<u64>;

    /// Reserves space for a library's thread-locals in every thread.
    fn reserve_tls(&self, template: &TlsTemplate) -> TlsPlace;
}

/// The context of relocations, besides the file itself.
pub struct Scope<'a> {
    /// The base address.
    pub base: u64,
    /// The process in which undefined symbols are looked up.
    pub host: &'a dyn Provider,
    /// The location and the template of the library's thread-locals, if it has any.
    pub tls: Option<(TlsPlace, &'a TlsTemplate)>,
    /// Whether the library exports a heap of its own. Then the process's symbols come first.
    pub has_heap: bool,
}

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
        apply_relative(&relr, data, scope.base)?;
    }
    let mut missing = Missing::default();
    for (address, size) in [dynamic.rela, dynamic.plt] {
        if size == 0 {
            continue;
        }
        let entries =
            table(address, size, tables, Some(data)).ok_or(bad("table of relocations"))?;
        let mut entries = Entry::raw(&entries);
        while let Some((first, others)) = entries.split_first() {
            let entry = Entry::from_raw(first);
            let value = if entry.kind == M::RELATIVE {
                Some(scope.base.wrapping_add(entry.addend))
            } else {
                entry.value::<M>(symbols, scope, &mut missing)?
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
    mut entries: &'a [RawEntry],
    start: u64,
    words: &mut [[u8; 8]],
    base: u64,
) -> &'a [RawEntry] {
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

/// The index of the word at `vaddr`, counted from `start`. A misaligned `vaddr` has an index far
/// beyond the last word.
fn word_index(vaddr: u64, start: u64) -> Option<usize> {
    usize::try_from(vaddr.wrapping_sub(start).rotate_right(3)).ok()
}

/// `r_offset`, `r_info` and `r_addend`.
type RawEntry = [[u8; 8]; 3];

/// One entry of a `DT_RELA` table.
pub struct Entry {
    offset: u64,
    /// The raw number of the relocation.
    pub kind: u32,
    /// An index of the symbol table; 0 for none.
    pub symbol: u32,
    addend: u64,
}

impl Entry {
    /// Every entry of a table.
    pub fn all(table: &[u8]) -> impl Iterator<Item = Entry> {
        Entry::raw(table).iter().map(Entry::from_raw)
    }

    fn raw(table: &[u8]) -> &[RawEntry] {
        table.as_chunks::<8>().0.as_chunks::<3>().0
    }

    fn from_raw([offset, info, addend]: &RawEntry) -> Entry {
        let info = u64::from_le_bytes(*info);
        Entry {
            offset: u64::from_le_bytes(*offset),
            kind: low_half(info),
            symbol: low_half(info >> 32),
            addend: u64::from_le_bytes(*addend),
        }
    }

    /// The value that an entry of another kind than `RELATIVE` writes, if it writes any.
    fn value<M: Machine>(
        &self,
        symbols: &Symbols,
        scope: &Scope,
        missing: &mut Missing,
    ) -> Result<Option<u64>, Defect> {
        let Entry { kind, symbol, addend, .. } = *self;
        let relocation = M::relocation(kind).map_err(|what| self.unsupported(symbols, what))?;
        Ok(Some(match relocation {
            Relocation::Nothing => return Ok(None),
            Relocation::Slot => self.resolve(symbols, scope, missing)?,
            Relocation::Absolute => self.resolve(symbols, scope, missing)?.wrapping_add(addend),
            Relocation::TlsModule => thread_local(symbol, symbols, scope)?.0.module,
            Relocation::TlsOffset => thread_local(symbol, symbols, scope)?.1.wrapping_add(addend),
            Relocation::ThreadPointerOffset => {
                let (tls, offset) = thread_local(symbol, symbols, scope)?;
                let start =
                    tls.thread_pointer_offset.map_err(|available| too_large(scope, available))?;
                start.wrapping_add(offset).wrapping_add(addend)
            }
        }))
    }

    /// The live address of the symbol; 0 for a weak symbol without a definition.
    fn resolve(
        &self,
        symbols: &Symbols,
        scope: &Scope,
        missing: &mut Missing,
    ) -> Result<u64, Defect> {
        // Index 0 is the null symbol: its address is 0 by definition.
        if self.symbol == 0 {
            return Ok(0);
        }
        let Some(symbol) = symbols.get(self.symbol) else {
            return Err(Defect::BadTable { what: "symbol table" });
        };
        if symbol.is_indirect_function() && symbol.is_defined() {
            return Err(self.unsupported(symbols, arch::INDIRECT_FUNCTION));
        }
        if symbol.is_absolute() {
            return Ok(symbol.value);
        }
        let own = symbol.is_defined().then(|| scope.base.wrapping_add(symbol.value));
        if let (Some(own), false) = (own, scope.has_heap) {
            return Ok(own);
        }
        let Some(hash) = symbols.name_hash(&symbol) else {
            return Err(Defect::BadTable { what: "string table" });
        };
        if let Some(address) = scope.host.symbol(hash).or(own) {
            return Ok(address);
        }
        let name = symbols.name(&symbol).unwrap_or_default();
        // Every library refers weakly to a few symbols that no other library defines, so only
        // symbols that it cannot do without are worth mapping the module. Weak references to
        // threads are not optional: <pthread.h>'s cleanup handlers make them, and so does C++ built
        // for glibc before 2.34, when threads were a library of their own.
        if symbol.is_weak() && !name.strip_prefix(b"__").unwrap_or(name).starts_with(b"pthread_") {
            return Ok(0);
        }
        let address = scope.host.rare_symbol(name);
        if address.is_none() && !symbol.is_weak() {
            missing.add(name);
        }
        Ok(address.unwrap_or(0))
    }

    #[cold]
    fn unsupported(&self, symbols: &Symbols, what: &'static Unsupported) -> Defect {
        let symbol = symbols.get(self.symbol);
        let name = symbol.and_then(|symbol| symbols.name(&symbol)).unwrap_or_default();
        let symbol = String::from_utf8_lossy(name).into_owned();
        let Entry { kind, offset, .. } = *self;
        let refused = UnsupportedRelocation { kind, offset, symbol, what };
        Defect::UnsupportedRelocation(Box::new(refused))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the upper half is read by itself")]
const fn low_half(word: u64) -> u32 {
    word as u32
}

/// The location of the thread-locals of a symbol's library, and the symbol's offset in them.
fn thread_local(index: u32, symbols: &Symbols, scope: &Scope) -> Result<(TlsPlace, u64), Defect> {
    let (tls, _) = scope.tls.ok_or(Defect::BadTls)?;
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

#[cold]
fn too_large(scope: &Scope, available: u64) -> Defect {
    let (size, align) = scope.tls.map_or((0, 1), |(_, found)| (found.memory_size, found.align));
    Defect::TlsTooLarge { size, align, available }
}

/// `DT_RELR`: an even word is an address; an odd one is a bitmap of the 63 words that follow it.
/// Source: the gABI's "Relative Relocation Table".
fn apply_relative(relr: &[u8], data: &mut Data, base: u64) -> Result<(), Defect> {
    let mut vaddr: u64 = 0;
    for entry in relr.as_chunks().0 {
        let entry = u64::from_le_bytes(*entry);
        if entry & 1 == 0 {
            add_base(entry, data, base)?;
            vaddr = entry.wrapping_add(8);
            continue;
        }
        apply_bitmap(entry >> 1, vaddr, data, base)?;
        vaddr = vaddr.wrapping_add(63 * 8);
    }
    Ok(())
}

/// Goes from each set bit to the next: a branch for every bit would be unpredictable to the CPU.
fn apply_bitmap(mut bits: u64, vaddr: u64, data: &mut Data, base: u64) -> Result<(), Defect> {
    let (start, words) = data.words();
    let index = word_index(vaddr, start);
    let words = index.and_then(|index| words.get_mut(index..)?.first_chunk_mut::<63>());
    match words {
        // The words are right as they are.
        Some(_) if base == 0 => {}
        Some(words) => {
            while bits != 0 {
                add(&mut words[bits.trailing_zeros() as usize], base);
                bits &= bits - 1;
            }
        }
        None => {
            while bits != 0 {
                add_base(vaddr.wrapping_add(u64::from(bits.trailing_zeros()) * 8), data, base)?;
                bits &= bits - 1;
            }
        }
    }
    Ok(())
}

/// The number of words that a `DT_RELR` table relocates.
pub fn count_relative(relr: &[u8]) -> usize {
    let counts = relr.chunks_exact(8).map(|entry| match u64_at(entry, 0) {
        entry if entry & 1 == 0 => 1,
        bitmap => bitmap.count_ones() - 1,
    });
    counts.fold(0, |sum, count| sum + usize::try_from(count).unwrap_or(0))
}

fn add_base(vaddr: u64, data: &mut Data, base: u64) -> Result<(), Defect> {
    let Some(word) = data.word(vaddr) else {
        return Err(Defect::BadRelocation { offset: vaddr });
    };
    add(word, base);
    Ok(())
}

/// At the address that the linker was given (base 0), the word is right and its page remains shared
/// with the file.
fn add(word: &mut [u8; 8], base: u64) {
    if base != 0 {
        *word = u64::from_le_bytes(*word).wrapping_add(base).to_le_bytes();
    }
}

#[derive(Default)]
struct Missing {
    /// Each name once, although many relocations may refer to it.
    names: Vec<String>,
}

impl Missing {
    fn add(&mut self, name: &[u8]) {
        let name = String::from_utf8_lossy(name);
        if !self.names.iter().any(|known| *known == name) {
            self.names.push(name.into_owned());
        }
    }

    fn into_result(mut self) -> Result<(), Defect> {
        let count = self.names.len();
        if count == 0 {
            return Ok(());
        }
        self.names.truncate(MAX_NAMES);
        Err(Defect::MissingSymbols { names: self.names, count })
    }
}

#[cfg(test)]
mod tests;
