//! The symbol table (`Elf64_Sym`) and its names.
//!
//! Source: System V gABI chapter 4, "Symbol Table"; `STT_GNU_IFUNC` is GNU's.

use super::elf::u16_at;
use super::elf::u32_at;
use super::elf::u64_at;
use super::memory::Table;
use super::symbol_hash::hash_to_nul;

/// Bytes of an entry.
pub const SYMBOL_SIZE: usize = 24;

const SHN_UNDEF: u16 = 0;
const SHN_ABS: u16 = 0xfff1;
const STB_LOCAL: u8 = 0;
const STB_WEAK: u8 = 2;
const STT_FUNC: u8 = 2;
const STT_GNU_IFUNC: u8 = 10;

/// A symbol, without its size and visibility.
#[derive(Clone, Copy, Debug)]
pub struct Symbol {
    /// Offset of the name in the string table.
    pub name: u32,
    info: u8,
    section: u16,
    /// A file-relative address, or an offset into the thread-local template.
    pub value: u64,
}

impl Symbol {
    /// Reads an entry.
    pub fn read(entry: &[u8; SYMBOL_SIZE]) -> Symbol {
        Symbol {
            name: u32_at(entry, 0),
            info: entry[4],
            section: u16_at(entry, 6),
            value: u64_at(entry, 8),
        }
    }

    /// Whether the file defines it.
    pub fn is_defined(&self) -> bool {
        self.section != SHN_UNDEF
    }

    /// Whether its value is an address as it stands.
    pub fn is_absolute(&self) -> bool {
        self.section == SHN_ABS
    }

    /// Whether other files cannot refer to it.
    pub fn is_local(&self) -> bool {
        self.info >> 4 == STB_LOCAL
    }

    /// Whether it may stay undefined; its address is then null.
    pub fn is_weak(&self) -> bool {
        self.info >> 4 == STB_WEAK
    }

    /// Whether it is an ordinary function.
    pub fn is_function(&self) -> bool {
        self.info & 0xf == STT_FUNC
    }

    /// Whether its address is what a function of the library returns.
    pub fn is_indirect_function(&self) -> bool {
        self.info & 0xf == STT_GNU_IFUNC
    }
}

/// The symbols and their names.
#[derive(Debug)]
pub struct Symbols<'a> {
    symbols: Table<'a>,
    strings: Table<'a>,
}

impl<'a> Symbols<'a> {
    /// The symbol table, and the string table that holds its names.
    pub fn new(symbols: Table<'a>, strings: Table<'a>) -> Symbols<'a> {
        Symbols { symbols, strings }
    }

    /// The symbol with this index, or None past the table.
    pub fn get(&self, index: u32) -> Option<Symbol> {
        let start = usize::try_from(index).ok()?.checked_mul(SYMBOL_SIZE)?;
        self.symbols.get(start..)?.first_chunk().map(Symbol::read)
    }

    /// The symbol's name, without its NUL.
    pub fn name(&self, symbol: &Symbol) -> Option<&[u8]> {
        self.string(usize::try_from(symbol.name).ok()?)
    }

    /// The hash of the symbol's name, by which the process's symbols are looked up.
    pub fn name_hash(&self, symbol: &Symbol) -> Option<u64> {
        hash_to_nul(self.strings.get(usize::try_from(symbol.name).ok()?..)?)
    }

    /// The string at this offset, without its NUL.
    pub fn string(&self, offset: usize) -> Option<&[u8]> {
        let bytes = self.strings.get(offset..)?;
        let end = bytes.iter().position(|&byte| byte == 0)?;
        bytes.get(..end)
    }
}
