//! The requirements of a library, for reports: its relocations by kind, and every symbol and
//! library that it needs. Loading stops at the first that is missing; this list does not.

use alloc::collections::BTreeMap;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::arch::Machine;
use super::arch::Relocation;
use super::dynamic::Dynamic;
use super::elf::Parsed;
use super::error::Defect;
use super::memory;
use super::memory::Data;
use super::memory::Tables;
use super::relocate::rela::Rela;
use super::relocate::relr;
use super::symbol::Symbols;

/// The requirements of a library.
#[derive(Debug, Default)]
pub struct Requirements {
    /// The libraries that it names and the runtime does not provide.
    pub missing_libraries: Vec<String>,
    /// The symbols that it cannot do without.
    pub symbols: BTreeSet<String>,
    /// The symbols that it uses only if they are defined.
    pub weak_symbols: BTreeSet<String>,
    /// The number of relocations of each kind, by the kind's name.
    pub relocations: BTreeMap<&'static str, usize>,
    /// The number of relative relocations with a full entry each.
    pub unpacked_relative: usize,
    /// The number of relative relocations in `DT_RELR`.
    pub packed_relative: usize,
}

impl Requirements {
    /// Reads the requirements from segments that have not been relocated yet.
    pub fn of<M: Machine>(
        parsed: &Parsed,
        tables: &Tables,
        data: &mut Data,
    ) -> Result<Requirements, Defect> {
        let dynamic = Dynamic::read(&parsed.dynamic, tables, data)?;
        let symbols = dynamic.symbols(tables, Some(data))?;
        let missing_libraries = dynamic.missing_libraries::<M>(&symbols)?;
        let mut requirements = Requirements { missing_libraries, ..Requirements::default() };
        let table = |(address, size), data: &mut Data| {
            if size == 0 {
                return Ok(Vec::new());
            }
            memory::table(address, size, tables, Some(data))
                .map(memory::Table::into_owned)
                .ok_or(Defect::BadTable { what: "table of relocations" })
        };
        requirements.packed_relative = relr::count(&table(dynamic.relr, data)?);
        requirements.count("packed relative", requirements.packed_relative);
        for range in [dynamic.rela, dynamic.plt] {
            let entries = table(range, data)?;
            Rela::all(&entries).for_each(|entry| requirements.add::<M>(&entry, &symbols));
        }
        Ok(requirements)
    }

    fn add<M: Machine>(&mut self, entry: &Rela, symbols: &Symbols) {
        if entry.kind == M::RELATIVE {
            self.unpacked_relative += 1;
            return self.count("relative", 1);
        }
        self.count(
            match M::relocation(entry.kind) {
                Ok(Relocation::Nothing) => "empty",
                Ok(Relocation::Slot) => "slots",
                Ok(Relocation::Absolute) => "addresses",
                Ok(Relocation::ThreadLocal(_)) => "thread-local",
                Err(what) => what.name,
            },
            1,
        );
        let undefined =
            symbols.get(entry.symbol).filter(|symbol| entry.symbol != 0 && !symbol.is_defined());
        if let Some(symbol) = undefined {
            let name = symbols.name(&symbol).unwrap_or_default();
            let names = if symbol.is_weak() { &mut self.weak_symbols } else { &mut self.symbols };
            names.insert(String::from_utf8_lossy(name).into_owned());
        }
    }

    fn count(&mut self, kind: &'static str, number: usize) {
        if number > 0 {
            *self.relocations.entry(kind).or_default() += number;
        }
    }
}
