//! The dynamic section, and the tables that it names.
//!
//! Source: System V gABI chapter 5.

use alloc::string::String;
use alloc::vec::Vec;

use super::arch::Machine;
use super::elf::Extent;
use super::elf::u64_at;
use super::error::Defect;
use super::hash_table::find_by_gnu_hash;
use super::hash_table::find_by_sysv_hash;
use super::memory::Data;
use super::memory::Tables;
use super::memory::table;
use super::memory::table_to_end;
use super::provided;
use super::symbol::Symbols;

/// Bytes of an entry of the dynamic section: tag and value.
const DYNAMIC_SIZE: usize = 16;

const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;
const DT_PLTRELSZ: u64 = 2;
const DT_HASH: u64 = 4;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
const DT_RELA: u64 = 7;
const DT_RELASZ: u64 = 8;
const DT_STRSZ: u64 = 10;
const DT_INIT: u64 = 12;
const DT_FINI: u64 = 13;
const DT_REL: u64 = 17;
const DT_TEXTREL: u64 = 22;
const DT_JMPREL: u64 = 23;
const DT_INIT_ARRAY: u64 = 25;
const DT_FINI_ARRAY: u64 = 26;
const DT_INIT_ARRAYSZ: u64 = 27;
const DT_FINI_ARRAYSZ: u64 = 28;
const DT_FLAGS: u64 = 30;
const DT_RELRSZ: u64 = 35;
const DT_RELR: u64 = 36;
const DT_GNU_HASH: u64 = 0x6fff_fef5;

/// The flag of `DT_FLAGS` that stands for `DT_TEXTREL`.
const DF_TEXTREL: u64 = 4;

/// The values of the dynamic section; 0 if an entry is absent.
#[derive(Debug, Default)]
pub struct Dynamic {
    needed: Vec<u64>,
    strings: u64,
    strings_size: u64,
    symbols: u64,
    gnu_hash: u64,
    sysv_hash: u64,
    /// `DT_RELA` and its size.
    pub rela: (u64, u64),
    /// `DT_JMPREL` and its size.
    pub plt: (u64, u64),
    /// `DT_RELR` and its size.
    pub relr: (u64, u64),
    /// `DT_INIT`.
    pub init: u64,
    /// `DT_INIT_ARRAY` and its size.
    pub init_array: (u64, u64),
    /// `DT_FINI`.
    pub fini: u64,
    /// `DT_FINI_ARRAY` and its size.
    pub fini_array: (u64, u64),
}

impl Dynamic {
    /// Reads the dynamic section, which may lie in a writable segment.
    pub fn read(extent: &Extent, tables: &Tables, data: &mut Data) -> Result<Dynamic, Defect> {
        let bad = Defect::BadTable { what: "dynamic section" };
        let Some(bytes) = table(extent.address, extent.size, tables, Some(data)) else {
            return Err(bad);
        };
        let mut dynamic = Dynamic::default();
        for entry in bytes.chunks_exact(DYNAMIC_SIZE) {
            let value = u64_at(entry, 8);
            match u64_at(entry, 0) {
                DT_NULL => break,
                DT_NEEDED => dynamic.needed.push(value),
                DT_PLTRELSZ => dynamic.plt.1 = value,
                DT_HASH => dynamic.sysv_hash = value,
                DT_STRTAB => dynamic.strings = value,
                DT_SYMTAB => dynamic.symbols = value,
                DT_RELA => dynamic.rela.0 = value,
                DT_RELASZ => dynamic.rela.1 = value,
                DT_STRSZ => dynamic.strings_size = value,
                DT_INIT => dynamic.init = value,
                DT_FINI => dynamic.fini = value,
                DT_REL => return Err(Defect::BadTable { what: "DT_REL table" }),
                DT_TEXTREL => return Err(Defect::TextRelocations),
                DT_JMPREL => dynamic.plt.0 = value,
                DT_INIT_ARRAY => dynamic.init_array.0 = value,
                DT_FINI_ARRAY => dynamic.fini_array.0 = value,
                DT_INIT_ARRAYSZ => dynamic.init_array.1 = value,
                DT_FINI_ARRAYSZ => dynamic.fini_array.1 = value,
                DT_FLAGS if value & DF_TEXTREL != 0 => return Err(Defect::TextRelocations),
                DT_RELRSZ => dynamic.relr.1 = value,
                DT_RELR => dynamic.relr.0 = value,
                DT_GNU_HASH => dynamic.gnu_hash = value,
                _ => {}
            }
        }
        Ok(dynamic)
    }

    /// The symbol table with its names.
    pub fn symbols<'a>(
        &self,
        tables: &Tables<'a>,
        mut data: Option<&mut Data>,
    ) -> Result<Symbols<'a>, Defect> {
        let strings = table(self.strings, self.strings_size, tables, data.as_deref_mut())
            .ok_or(Defect::BadTable { what: "string table" })?;
        let symbols = table_to_end(self.symbols, tables, data)
            .ok_or(Defect::BadTable { what: "symbol table" })?;
        Ok(Symbols::new(symbols, strings))
    }

    /// The names of the needed libraries that the runtime does not provide.
    pub fn missing_libraries<M: Machine>(&self, symbols: &Symbols) -> Result<Vec<String>, Defect> {
        let mut names = Vec::new();
        for &offset in &self.needed {
            let name = usize::try_from(offset).ok().and_then(|offset| symbols.string(offset));
            let name = name.ok_or(Defect::BadTable { what: "list of needed libraries" })?;
            if !provided::has_library(name) && name != M::LINKER.as_bytes() {
                names.push(String::from_utf8_lossy(name).into_owned());
            }
        }
        Ok(names)
    }

    /// Refuses a library that needs libraries other than those that the runtime provides.
    pub fn check_needed<M: Machine>(&self, symbols: &Symbols) -> Result<(), Defect> {
        let names = self.missing_libraries::<M>(symbols)?;
        if names.is_empty() { Ok(()) } else { Err(Defect::MissingLibraries { names }) }
    }

    /// Finds a defined symbol's file-relative address by the file's own hash table. Without `data`,
    /// it reads read-only tables alone.
    pub fn find(
        &self,
        name: &[u8],
        symbols: &Symbols,
        tables: &Tables,
        data: Option<&mut Data>,
    ) -> Option<u64> {
        let matches = |index: u32| {
            let symbol = symbols.get(index)?;
            let found = symbol.is_defined() && symbols.name(&symbol) == Some(name);
            found.then_some(symbol.value)
        };
        if self.gnu_hash != 0 {
            find_by_gnu_hash(&table_to_end(self.gnu_hash, tables, data)?, name, matches)
        } else {
            find_by_sysv_hash(&table_to_end(self.sysv_hash, tables, data)?, name, matches)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_relocations_are_refused_however_they_are_announced() {
        for (tag, value, is_refused) in
            [(22u64, 0u64, true), (30, 4, true), (30, 8 | 2 | 1, false), (24, 0, false)]
        {
            let bytes: Vec<u8> = [tag, value].iter().flat_map(|word| word.to_le_bytes()).collect();
            let tables = Tables::new(alloc::vec![(0x1000, bytes.as_slice())]);
            let section = Extent { address: 0x1000, size: 16 };
            let read = Dynamic::read(&section, &tables, &mut Data::new(Vec::new()));
            assert_eq!(read.err(), is_refused.then_some(Defect::TextRelocations), "{tag} {value}");
        }
    }
}
