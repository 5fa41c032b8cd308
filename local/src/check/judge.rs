//! The steps of the bootstrap, over copies of a library's segments.

use pilotlight_abi as abi;
use pilotlight_abi::LIBRARY_SYMBOL;
use pilotlight_loader::Defect;
use pilotlight_loader::EntrySymbol;
use pilotlight_loader::Linked;
use pilotlight_loader::Requirements;
use pilotlight_loader::arch::Aarch64;
use pilotlight_loader::arch::Machine;
use pilotlight_loader::arch::Native;
use pilotlight_loader::arch::X86_64;
use pilotlight_loader::catalog::SymbolCatalog;
use pilotlight_loader::copies;
use pilotlight_loader::copies::Copies;
use pilotlight_loader::elf;
use pilotlight_loader::elf::Parsed;
use pilotlight_loader::link_for;

use super::extension;
use super::extension::Extension;
use super::handlers;
use super::handlers::BASE;
use super::handlers::Handlers;
use super::handlers::Memory;

/// A library as far as it could be read.
#[derive(Debug, Default)]
pub struct Library<'a> {
    /// Its bytes.
    pub file: &'a [u8],
    /// The name of the CPU that it was built for; None if it is not one that Lambda offers.
    pub machine: Option<&'static str>,
    /// The use of instructions that not all of Lambda's processors have.
    pub extension: Option<Extension>,
    /// Its headers.
    pub parsed: Option<Parsed>,
    /// All that it needs.
    pub requirements: Option<Requirements>,
    /// Its constructors and destructors.
    pub linked: Option<Linked>,
    /// Its exports.
    pub handlers: Option<Handlers>,
}

impl Library<'_> {
    /// Judges it as the bootstrap for its CPU would; Err is that bootstrap's refusal. Files for
    /// other CPUs are refused as by the bootstrap for this one.
    pub fn judge(&mut self, runtime: &SymbolCatalog) -> Result<(), String> {
        match elf::machine(self.file) {
            Some(X86_64::NUMBER) => self.judge_for::<X86_64>(runtime),
            Some(Aarch64::NUMBER) => self.judge_for::<Aarch64>(runtime),
            _ => self.judge_for::<Native>(runtime),
        }
    }

    /// Takes the steps of the bootstrap for `M`.
    fn judge_for<M: Machine>(&mut self, runtime: &SymbolCatalog) -> Result<(), String> {
        let message = |defect: Defect| defect.to_string();
        if self.file.is_empty() {
            return Err(message(Defect::Empty));
        }
        let parsed = &*self.parsed.insert(elf::parse_for::<M>(self.file).map_err(message)?);
        self.machine = Some(M::NAME);
        self.extension = Some(extension::find::<M>(self.file));
        let tables = copies::tables(parsed, self.file);
        let mut copies = Copies::of(parsed, self.file);
        let mut data = copies.data();
        // The steps below, which the bootstrap takes as well, name a damaged table.
        self.requirements = Requirements::of::<M>(parsed, &tables, &mut data).ok();
        let entry_symbol =
            EntrySymbol { name: LIBRARY_SYMBOL, size: abi::Library::MIN_SIZE as u64 };
        let linked = link_for::<M>(parsed, &tables, &mut data, BASE, runtime, entry_symbol)
            .map_err(message)?;
        let memory = Memory { parsed, tables: &tables, data: &mut data };
        let entry = linked.entry;
        self.linked = Some(linked);
        let handlers = handlers::read(memory, entry);
        let handlers = handlers.ok_or(Defect::BadTable { what: "`pilotlight_library`" });
        let handlers = &*self.handlers.insert(handlers.map_err(message)?);
        pilotlight_loader::abi_mismatch(handlers.abi_version).map_or(Ok(()), Err)
    }
}
