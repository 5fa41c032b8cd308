//! The dynamic section, and the tables that it names: symbols, strings, hashes.
//!
//! Source: System V gABI chapter 5; the GNU hash table as binutils writes it.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::arch::Machine;
use super::elf::Extent;
use super::elf::u32_at;
use super::elf::u64_at;
use super::error::Defect;
use super::memory::Data;
use super::memory::Tables;
use super::provided;
use super::symbol::SYMBOL_SIZE;
use super::symbol::Symbol;
use super::symbol_hash::hash_to_nul;

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

/// A table of the file: borrowed if it is read-only, copied if relocations could change it (tools
/// that edit libraries put tables into writable segments).
pub type Table<'a> = Cow<'a, [u8]>;

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
        let symbols =
            rest(self.symbols, tables, data).ok_or(Defect::BadTable { what: "symbol table" })?;
        Ok(Symbols { symbols, strings })
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
            find_by_gnu_hash(&rest(self.gnu_hash, tables, data)?, name, matches)
        } else {
            find_by_sysv_hash(&rest(self.sysv_hash, tables, data)?, name, matches)
        }
    }
}

/// A view of `size` bytes at `address`, or a copy if they could change.
pub fn table<'a>(
    address: u64,
    size: u64,
    tables: &Tables<'a>,
    data: Option<&mut Data>,
) -> Option<Table<'a>> {
    match tables.rest(address) {
        Some(bytes) => bytes.get(..usize::try_from(size).ok()?).map(Cow::Borrowed),
        None => data?.bytes(address, size).map(|bytes| Cow::Owned(bytes.to_vec())),
    }
}

fn rest<'a>(address: u64, tables: &Tables<'a>, data: Option<&mut Data>) -> Option<Table<'a>> {
    match tables.rest(address) {
        Some(bytes) => Some(Cow::Borrowed(bytes)),
        None => data?.rest(address).map(|bytes| Cow::Owned(bytes.to_vec())),
    }
}

/// The symbols and their names.
#[derive(Debug)]
pub struct Symbols<'a> {
    symbols: Table<'a>,
    strings: Table<'a>,
}

impl Symbols<'_> {
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

    fn string(&self, offset: usize) -> Option<&[u8]> {
        let bytes = self.strings.get(offset..)?;
        let end = bytes.iter().position(|&byte| byte == 0)?;
        bytes.get(..end)
    }
}

/// The hash of `.gnu.hash`.
fn gnu_hash(name: &[u8]) -> u32 {
    name.iter().fold(5381, |hash: u32, &byte| hash.wrapping_mul(33).wrapping_add(byte.into()))
}

/// A 32-bit word of a hash table.
fn word(table: &[u8], index: usize) -> Option<u32> {
    let start = index.checked_mul(4)?;
    table.get(start..start.checked_add(4)?).map(|bytes| u32_at(bytes, 0))
}

fn find_by_gnu_hash(
    table: &[u8],
    name: &[u8],
    matches: impl Fn(u32) -> Option<u64>,
) -> Option<u64> {
    let word = |index| word(table, index);
    let (buckets, first, bloom) = (word(0)?, word(1)?, word(2)?);
    let buckets_at = usize::try_from(bloom).ok()?.checked_mul(2)?.checked_add(4)?;
    let hash = gnu_hash(name);
    let bucket = usize::try_from(hash.checked_rem(buckets)?).ok()?;
    let mut index = word(buckets_at.checked_add(bucket)?)?;
    let chains_at = buckets_at.checked_add(usize::try_from(buckets).ok()?)?;
    loop {
        let chain = usize::try_from(index.checked_sub(first)?).ok()?;
        let entry = word(chains_at.checked_add(chain)?)?;
        if entry | 1 == hash | 1
            && let Some(value) = matches(index)
        {
            return Some(value);
        }
        if entry & 1 != 0 {
            return None;
        }
        index = index.checked_add(1)?;
    }
}

fn find_by_sysv_hash(
    table: &[u8],
    name: &[u8],
    matches: impl Fn(u32) -> Option<u64>,
) -> Option<u64> {
    let word = |index| word(table, index);
    let (buckets, chains) = (word(0)?, word(1)?);
    let bucket = usize::try_from(sysv_hash(name).checked_rem(buckets)?).ok()?;
    let mut index = word(bucket + 2)?;
    // A chain longer than the table is circular.
    for _ in 0..chains {
        if index == 0 {
            return None;
        }
        if let Some(value) = matches(index) {
            return Some(value);
        }
        let chain = usize::try_from(buckets).ok()?.checked_add(usize::try_from(index).ok()?)?;
        index = word(chain.checked_add(2)?)?;
    }
    None
}

fn sysv_hash(name: &[u8]) -> u32 {
    name.iter().fold(0u32, |hash, &byte| {
        let hash = (hash << 4).wrapping_add(u32::from(byte));
        let high = hash & 0xf000_0000;
        (hash ^ (high >> 24)) & !high
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_specifications() {
        // `readelf --histogram -I` and the gABI's own example agree on these values.
        assert_eq!(gnu_hash(b""), 5381);
        assert_eq!(gnu_hash(b"printf"), 0x156b_2bb8);
        assert_eq!(sysv_hash(b"printf"), 0x0779_05a6);
        // Long enough for the bits of its first characters to wrap around.
        assert_eq!(sysv_hash(b"pilotlight_library"), 0x0774_5869);
    }

    #[test]
    fn a_circular_chain_ends() {
        // One bucket, two symbols whose chain entries name each other.
        let words: [u32; 6] = [1, 3, 1, 0, 2, 1];
        let table: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(find_by_sysv_hash(&table, b"x", |_| None), None);
    }

    #[test]
    fn a_hash_table_cut_anywhere_finds_nothing() {
        let words: [u32; 8] = [1, 1, 1, 0, 0, 0, 1, gnu_hash(b"x") | 1];
        let table: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(find_by_gnu_hash(&table, b"x", |index| Some(u64::from(index))), Some(1));
        for end in 0..table.len() {
            assert_eq!(find_by_gnu_hash(&table[..end], b"x", |_| Some(1)), None);
        }
    }

    #[test]
    fn the_lowest_bit_of_a_hash_says_where_its_chain_ends() {
        let names = [&b"x"[..], b"y", b"z", b"w"];
        // One bucket; only the last entry has its lowest bit set, whatever the hashes' own bits
        // are.
        let last = names.len() - 1;
        let entry = |(number, name): (usize, &&[u8])| {
            if number == last { gnu_hash(name) | 1 } else { gnu_hash(name) & !1 }
        };
        let head = [1, 1, 1, 0, 0, 0, 1];
        let words = head.into_iter().chain(names.iter().enumerate().map(entry));
        let table: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
        for (index, name) in (1..).zip(names) {
            let found = |wanted: u32| (wanted == index).then_some(u64::from(index));
            assert_eq!(find_by_gnu_hash(&table, name, found), Some(u64::from(index)));
        }
        assert_eq!(find_by_gnu_hash(&table, b"v", |_| Some(1)), None);
    }

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
