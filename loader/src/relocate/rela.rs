//! Relocations with an entry each: `DT_RELA` and `DT_JMPREL`.

use alloc::boxed::Box;
use alloc::string::String;

use super::scope::Missing;
use super::scope::Scope;
use crate::arch;
use crate::arch::Machine;
use crate::arch::Relocation;
use crate::arch::Unsupported;
use crate::error::Defect;
use crate::error::UnsupportedRelocation;
use crate::symbol::Symbols;
use crate::tls::TlsPlace;

/// `r_offset`, `r_info` and `r_addend`.
pub type RawRela = [[u8; 8]; 3];

/// One entry of a `DT_RELA` table.
pub struct Rela {
    /// `r_offset`: the address of the word that it changes.
    pub offset: u64,
    /// The raw number of the relocation.
    pub kind: u32,
    /// An index of the symbol table; 0 for none.
    pub symbol: u32,
    /// `r_addend`.
    pub addend: u64,
}

impl Rela {
    /// Every entry of a table.
    pub fn all(table: &[u8]) -> impl Iterator<Item = Rela> {
        Rela::raw(table).iter().map(Rela::from_raw)
    }

    /// A table's entries as they are in the file.
    pub fn raw(table: &[u8]) -> &[RawRela] {
        table.as_chunks::<8>().0.as_chunks::<3>().0
    }

    /// Reads an entry.
    pub fn from_raw([offset, info, addend]: &RawRela) -> Rela {
        let info = u64::from_le_bytes(*info);
        Rela {
            offset: u64::from_le_bytes(*offset),
            kind: low_half(info),
            symbol: low_half(info >> 32),
            addend: u64::from_le_bytes(*addend),
        }
    }

    /// The value that an entry of another kind than `RELATIVE` writes, if it writes any.
    pub fn value<M: Machine>(
        &self,
        symbols: &Symbols,
        scope: &Scope,
        missing: &mut Missing,
    ) -> Result<Option<u64>, Defect> {
        let Rela { kind, symbol, addend, .. } = *self;
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
        let Rela { kind, offset, .. } = *self;
        let refused = UnsupportedRelocation { kind, offset, symbol, what };
        Defect::UnsupportedRelocation(Box::new(refused))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the upper half is read by itself")]
pub const fn low_half(word: u64) -> u32 {
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
