//! Relocations with an entry each: `DT_RELA` and `DT_JMPREL`.

use alloc::boxed::Box;
use alloc::string::String;

use super::scope::Missing;
use super::scope::Scope;
use crate::arch;
use crate::arch::Machine;
use crate::arch::Relocation;
use crate::arch::ThreadLocal;
use crate::arch::Unsupported;
use crate::error::Defect;
use crate::error::UnsupportedRelocation;
use crate::memory::Data;
use crate::symbol::Symbols;
use crate::tls::TlsTemplate;

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

    /// The value that an entry of another kind than `RELATIVE` writes, if it writes any. The second
    /// word of a descriptor has been written.
    pub fn value<M: Machine>(
        &self,
        symbols: &Symbols,
        scope: &Scope,
        missing: &mut Missing,
        data: &mut Data,
    ) -> Result<Option<u64>, Defect> {
        let Rela { kind, addend, .. } = *self;
        let relocation = M::relocation(kind).map_err(|what| self.unsupported(symbols, what))?;
        Ok(Some(match relocation {
            Relocation::Nothing => return Ok(None),
            Relocation::Slot => self.resolve(symbols, scope, missing)?,
            Relocation::Absolute => self.resolve(symbols, scope, missing)?.wrapping_add(addend),
            Relocation::ThreadLocal(way) => self.locate(way, symbols, scope, missing, data)?,
        }))
    }

    /// The value for a thread-local, of the library's own. Few relocations are of this kind.
    #[inline(never)]
    fn locate(
        &self,
        way: ThreadLocal,
        symbols: &Symbols,
        scope: &Scope,
        missing: &mut Missing,
        data: &mut Data,
    ) -> Result<u64, Defect> {
        let (tls, template) = scope.tls.ok_or(Defect::BadTls)?;
        let mut offset = self.addend;
        if self.symbol != 0 {
            let Some(symbol) = symbols.get(self.symbol) else {
                return Err(Defect::BadTable { what: "symbol table" });
            };
            if !symbol.is_defined() {
                missing.add(symbols.name(&symbol).unwrap_or_default());
                return Ok(0);
            }
            offset = offset.wrapping_add(symbol.value);
        }
        match way {
            ThreadLocal::Module => Ok(tls.module),
            ThreadLocal::Offset => Ok(offset),
            ThreadLocal::ThreadPointerOffset => match tls.thread_pointer_offset {
                Ok(start) => Ok(start.wrapping_add(offset)),
                Err(available) => {
                    let TlsTemplate { memory_size: size, align, .. } = *template;
                    Err(Defect::TlsTooLarge { size, align, available })
                }
            },
            ThreadLocal::Descriptor => {
                let [function, word] = scope.host.tls_descriptor(tls, offset);
                let second = data.word(self.offset.wrapping_add(8));
                *second.ok_or(Defect::BadRelocation { offset: self.offset })? = word.to_le_bytes();
                Ok(function)
            }
        }
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
