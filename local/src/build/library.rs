//! The parts of a library's headers that decide what is built from it.

use std::collections::BTreeSet;

use pilotlight_abi::LIBRARY_SYMBOL;
use pilotlight_loader::Requirements;
use pilotlight_loader::arch::Aarch64;
use pilotlight_loader::arch::Machine;
use pilotlight_loader::arch::X86_64;
use pilotlight_loader::catalog::SymbolCatalog;
use pilotlight_loader::copies;
use pilotlight_loader::copies::Copies;
use pilotlight_loader::dynamic::Dynamic;
use pilotlight_loader::elf;
use pilotlight_loader::provided;

/// Functions of the bootstrap that fetch others from `pilotlight/libc.so`.
const LOOKS_UP: [&str; 2] = ["dlsym", "pthread_setname_np"];

/// Facts about a shared library.
#[derive(Debug)]
pub struct Facts {
    /// Whether it exports handlers.
    pub has_handlers: bool,
    /// Its address, if it was linked for one of its own; otherwise 0.
    pub address: u64,
    /// Its relocations and symbols.
    pub requirements: Requirements,
}

impl Facts {
    /// Reads a file; None if it is no shared library for a CPU that Lambda offers.
    pub fn of(file: &[u8]) -> Option<Facts> {
        match elf::machine(file)? {
            X86_64::NUMBER => Facts::of_machine::<X86_64>(file),
            Aarch64::NUMBER => Facts::of_machine::<Aarch64>(file),
            _ => None,
        }
    }

    fn of_machine<M: Machine>(file: &[u8]) -> Option<Facts> {
        let parsed = elf::parse_for::<M>(file).ok()?;
        let tables = copies::tables(&parsed, file);
        let mut copies = Copies::of(&parsed, file);
        let mut data = copies.data();
        let requirements = Requirements::of::<M>(&parsed, &tables, &mut data).ok()?;
        let dynamic = Dynamic::read(&parsed.dynamic, &tables, &mut data).ok()?;
        let symbols = dynamic.symbols(&tables, Some(&mut data)).ok()?;
        let entry = dynamic.find(LIBRARY_SYMBOL.as_bytes(), &symbols, &tables, Some(&mut data));
        let address = parsed.segments.first().map_or(0, |segment| segment.address);
        Some(Facts { has_handlers: entry.is_some(), address, requirements })
    }

    /// The first symbol that only `pilotlight/libc.so` has, without which it cannot be loaded.
    pub fn symbol_of_libc(&self) -> Option<&str> {
        let catalog = SymbolCatalog::default();
        let mut symbols = self.requirements.symbols.iter().map(String::as_str);
        symbols.find(|name| !catalog.has(name) && catalog.can_fetch(name))
    }

    /// Whether it can use `pilotlight/libc.so`: by symbols that only that has, by those that the
    /// bootstrap binds to it at their first call, or by names that it looks up while it runs.
    pub fn can_use_libc(&self) -> bool {
        let Requirements { symbols, weak_symbols, .. } = &self.requirements;
        let catalog = SymbolCatalog::default();
        let lazy = provided::entries(provided::BOOTSTRAP).filter(|entry| entry.1 == "lazy");
        let lazy: BTreeSet<&str> = lazy.map(|(name, _)| name).collect();
        let comes_late = |name: &str| lazy.contains(name) || LOOKS_UP.contains(&name);
        symbols
            .iter()
            .chain(weak_symbols)
            .any(|name| comes_late(name) || !catalog.has(name) && catalog.can_fetch(name))
    }
}
