//! `pilotlight check`: describes a library, says why the bootstrap would refuse it, and how it
//! would start faster, without running any of its code.
//!
//! The bootstrap's own crate reads and relocates the file, over copies of its segments, so the
//! verdict and its words are the bootstrap's.

mod handlers;
mod report;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;

use pilotlight_abi::LIBRARY_SYMBOL;
use pilotlight_abi::Library;
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
use pilotlight_loader::has_local;
use pilotlight_loader::link_for;
use pilotlight_loader::sections::strippable_size;

use crate::cpu::Cpu;
use crate::one_file;

pub use self::report::MAX_QUIET_RELOCATIONS;

use self::handlers::BASE;
use self::handlers::Handlers;

/// The findings about a file.
#[derive(Debug)]
pub struct Check {
    path: PathBuf,
    file_size: usize,
    /// The name of the CPU that it was built for.
    machine: &'static str,
    /// Bytes of symbols and debug information.
    strippable_size: usize,
    /// Whether it defines a `free` that it does not export.
    has_own_free: bool,
    parsed: Option<Parsed>,
    requirements: Option<Requirements>,
    linked: Option<Linked>,
    handlers: Option<Handlers>,
    /// The bootstrap's refusal; None if it would load the library.
    pub refusal: Option<String>,
}

/// Reads the file at `path` and judges it. An unreadable file is refused, as by the bootstrap.
pub fn check(path: &Path) -> Check {
    check_for(path, None)
}

/// Judges the file for a function on `cpu`, which refuses libraries for another one.
pub fn check_for(path: &Path, cpu: Option<&Cpu>) -> Check {
    let mut check = Check {
        path: path.to_path_buf(),
        file_size: 0,
        machine: Native::NAME,
        strippable_size: 0,
        has_own_free: false,
        parsed: None,
        requirements: None,
        linked: None,
        handlers: None,
        refusal: None,
    };
    let refusal = match fs::read(path) {
        Ok(file) => check.judge(one_file::library(&file)).and_then(|()| check.is_for(cpu)).err(),
        Err(error) => {
            let reason = words(error.kind());
            Some(Defect::Unreadable { reason }.to_string())
        }
    };
    check.refusal = refusal.map(|refusal| format!("{} {refusal}", path.display()));
    check
}

/// An error of the system, in the words that the bootstrap has for it.
fn words(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "No such file or directory",
        ErrorKind::PermissionDenied => "Permission denied",
        ErrorKind::IsADirectory => "Is a directory",
        _ => "I/O error",
    }
}

impl Check {
    /// The names of its handlers; none if it was refused before they could be read.
    pub fn handlers(&self) -> &[String] {
        self.handlers.as_ref().map_or(&[], |handlers| &handlers.names)
    }

    /// Judges a library as the bootstrap for its CPU would; Err is that bootstrap's refusal. Files
    /// for other CPUs are refused as by the bootstrap for this one.
    fn judge(&mut self, file: &[u8]) -> Result<(), String> {
        match elf::machine(file) {
            Some(X86_64::NUMBER) => self.judge_for::<X86_64>(file),
            Some(Aarch64::NUMBER) => self.judge_for::<Aarch64>(file),
            _ => self.judge_for::<Native>(file),
        }
    }

    /// Refuses a library that is not for `cpu`.
    fn is_for(&self, cpu: Option<&Cpu>) -> Result<(), String> {
        match cpu.filter(|cpu| cpu.name != self.machine) {
            Some(cpu) => Err(format!(
                "was built for {}, not for {}; build it for {1}, or change the function's architecture",
                self.machine, cpu.name
            )),
            None => Ok(()),
        }
    }

    /// Takes the steps of the bootstrap for `M`.
    fn judge_for<M: Machine>(&mut self, file: &[u8]) -> Result<(), String> {
        self.file_size = file.len();
        self.machine = M::NAME;
        self.strippable_size = strippable_size(file);
        self.has_own_free = has_local(file, b"free");
        if file.is_empty() {
            return Err(Defect::Empty.to_string());
        }
        let message = |defect: Defect| defect.to_string();
        let parsed = &*self.parsed.insert(elf::parse_for::<M>(file).map_err(message)?);
        let tables = copies::tables(parsed, file);
        let mut copies = Copies::of(parsed, file);
        let mut data = copies.data();
        // The steps below, which the bootstrap takes as well, name a damaged table.
        self.requirements = Requirements::of::<M>(parsed, &tables, &mut data).ok();
        let entry_symbol = EntrySymbol { name: LIBRARY_SYMBOL, size: size_of::<Library>() as u64 };
        let runtime = SymbolCatalog::default();
        let linked = link_for::<M>(parsed, &tables, &mut data, BASE, &runtime, entry_symbol)
            .map_err(message)?;
        let memory = handlers::Memory { parsed, tables: &tables, data: &mut data };
        let entry = linked.entry;
        self.linked = Some(linked);
        let handlers = handlers::read(memory, entry);
        let handlers = handlers.ok_or(Defect::BadTable { what: "`pilotlight_library`" });
        let handlers = &*self.handlers.insert(handlers.map_err(message)?);
        pilotlight_loader::abi_mismatch(handlers.abi_version).map_or(Ok(()), Err)
    }
}
