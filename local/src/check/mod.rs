//! `pilotlight check`: says whether the bootstrap would load a library and what to do if not,
//! describes it, and says how it would start faster, without running any of its code.
//!
//! The bootstrap's own crate reads and relocates the file, over copies of its segments, so the
//! verdict and its words are the bootstrap's.

mod advice;
mod carried;
mod compiler;
mod extension;
mod handlers;
mod judge;
mod remedy;
mod text;
mod words;

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use pilotlight_loader::Defect;
use pilotlight_loader::Requirements;
use pilotlight_loader::catalog::SymbolCatalog;
use pilotlight_loader::elf::Segment;
use pilotlight_loader::needed_versions;
use serde::Serialize;

pub use self::advice::MAX_QUIET_RELOCATIONS;
pub use self::carried::Carried;
pub use self::extension::Extension;
pub use self::extension::Needed;
use self::judge::Library;
pub use self::remedy::MissingSymbol;
use crate::cpu::Cpu;

/// The findings about a file. `--json` prints them under these names.
#[derive(Debug, Default, Serialize)]
pub struct Check {
    /// The path, as it was given.
    pub file: String,
    /// Whether the bootstrap would load the library.
    pub loads: bool,
    /// The bootstrap's refusal; None if it would load the library.
    pub refusal: Option<String>,
    /// The changes that make it load.
    pub remedies: Vec<String>,
    /// The risks of a library that loads.
    pub warnings: Vec<String>,
    /// The changes that would make it start faster.
    pub faster: Vec<String>,
    /// The CPU that it was built for, as Lambda spells it; None if Lambda has none of this kind.
    pub machine: Option<&'static str>,
    /// Bytes of the file.
    pub file_size: usize,
    /// The sizes of the libraries in a file that is a whole function.
    pub carries: Option<Carried>,
    /// The ABI version that it was built for: major and minor.
    pub abi: Option<[u32; 2]>,
    /// The handlers' names.
    pub handlers: Vec<String>,
    /// Whether it has an `init` to call before the first invocation.
    pub has_init: bool,
    /// The parts that are mapped.
    pub segments: Vec<Mapped>,
    /// The number of relocations of each kind.
    pub relocations: BTreeMap<&'static str, usize>,
    /// The number of symbols of the bootstrap that it needs.
    pub bootstrap_symbols: usize,
    /// The symbols for which `pilotlight/libc.so` is mapped as well.
    pub libc_symbols: Vec<String>,
    /// The shared libraries that it needs and the runtime does not provide.
    pub missing_libraries: Vec<String>,
    /// The symbols that it needs and the runtime does not provide.
    pub missing_symbols: Vec<MissingSymbol>,
    /// Bytes of its thread-locals.
    pub thread_locals: u64,
    /// The number of functions to call before the first handler.
    pub constructors: usize,
    /// The number of functions to call when the process ends.
    pub destructors: usize,
    /// Whether it was built for debugging, as far as that leaves traces.
    pub is_debug_build: bool,
    /// The use of instructions that not all of Lambda's processors have.
    pub extension: Option<Extension>,
    /// The refusal's first half, without the path.
    #[serde(skip)]
    problem: String,
}

/// A part of a library that is mapped.
#[derive(Debug, Serialize)]
pub struct Mapped {
    /// `read`, `read-execute` or `read-write`.
    pub access: &'static str,
    /// Bytes in memory.
    pub size: u64,
}

impl Mapped {
    fn of(segment: &Segment) -> Mapped {
        let access = match (segment.writable, segment.executable) {
            (true, _) => "read-write",
            (_, true) => "read-execute",
            _ => "read",
        };
        Mapped { access, size: segment.memory_size }
    }
}

/// Reads the file at `path` and judges it. An unreadable file is refused, as by the bootstrap.
pub fn check(path: &Path) -> Check {
    check_for(path, None)
}

/// Judges the file for a function on `cpu`, which refuses libraries for another one. In a file that
/// is a whole function, the handler's library is judged.
pub fn check_for(path: &Path, cpu: Option<&Cpu>) -> Check {
    let mut check = Check { file: path.display().to_string(), ..Check::default() };
    let file = fs::read(path);
    let result = match &file {
        Ok(file) => check.judge(file, cpu),
        Err(error) => {
            let reason = in_words(error.kind());
            Err(Defect::Unreadable { reason }.to_string())
        }
    };
    match result {
        Ok(()) => check.loads = true,
        Err(message) => {
            check.refuse(&message, file.is_ok_and(|file| compiler::is_rust(&file)));
        }
    }
    check
}

/// An error of the system, in the words that the bootstrap has for it.
fn in_words(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "No such file or directory",
        ErrorKind::PermissionDenied => "Permission denied",
        ErrorKind::IsADirectory => "Is a directory",
        _ => "I/O error",
    }
}

impl Check {
    /// Judges the library of the file, and describes it as far as it can be read.
    fn judge(&mut self, file: &[u8], cpu: Option<&Cpu>) -> Result<(), String> {
        self.file_size = file.len();
        let found = carried::find(file).map_err(|defect| defect.to_string())?;
        self.carries = found.carried;
        let mut library = Library { file: found.library, ..Library::default() };
        let verdict = library.judge(&found.runtime);
        self.describe(&library, &found.runtime);
        let is_for = |cpu: &Cpu| match library.machine.filter(|machine| *machine != cpu.name) {
            Some(machine) => Err(format!(
                "was built for {machine}, not for {}; build it for {0}, or change the function's architecture",
                cpu.name
            )),
            None => Ok(()),
        };
        verdict.and_then(|()| cpu.or(found.cpu).map_or(Ok(()), is_for))?;
        self.warnings = advice::warnings(self, &library);
        self.faster = advice::faster(self, &library);
        Ok(())
    }

    fn describe(&mut self, library: &Library, runtime: &SymbolCatalog) {
        self.machine = library.machine;
        self.extension = library.extension;
        self.is_debug_build = compiler::is_debug_build(library.file);
        if let Some(parsed) = &library.parsed {
            self.segments = parsed.segments.iter().map(Mapped::of).collect();
            self.thread_locals = parsed.tls.as_ref().map_or(0, |template| template.memory_size);
        }
        if let Some(handlers) = &library.handlers {
            self.abi = Some([handlers.abi_version >> 16, handlers.abi_version & 0xffff]);
            self.handlers.clone_from(&handlers.names);
            self.has_init = handlers.has_init;
        }
        if let Some(linked) = &library.linked {
            self.constructors = linked.constructors.len();
            self.destructors = linked.destructors.len();
        }
        if let Some(needs) = &library.requirements {
            self.relocations.clone_from(&needs.relocations);
            self.missing_libraries.clone_from(&needs.missing_libraries);
            self.sort_symbols(needs, library.file, runtime);
        }
    }

    fn sort_symbols(&mut self, needs: &Requirements, file: &[u8], runtime: &SymbolCatalog) {
        let (own, others): (Vec<&String>, _) =
            needs.symbols.iter().partition(|name| runtime.has(name));
        let (fetched, missing): (Vec<&String>, _) =
            others.into_iter().partition(|name| runtime.can_fetch(name));
        self.bootstrap_symbols = own.len();
        self.libc_symbols = fetched.into_iter().cloned().collect();
        let mut libraries = needed_versions::libraries_by_symbol(file);
        let missing = missing.into_iter().map(|name: &String| MissingSymbol {
            name: name.clone(),
            library: libraries.remove(name),
        });
        self.missing_symbols = missing.collect();
    }

    /// Whether symbols are missing because the function does not carry `libc.so`, and the others.
    fn carries_no_libc(&self) -> (bool, Vec<MissingSymbol>) {
        let runtime = SymbolCatalog::default();
        let is_other = |symbol: &&MissingSymbol| !runtime.can_fetch(&symbol.name);
        let others: Vec<_> = self.missing_symbols.iter().filter(is_other).cloned().collect();
        (others.len() < self.missing_symbols.len(), others)
    }

    /// Keeps the bootstrap's message, and finds the remedy that fits.
    fn refuse(&mut self, message: &str, is_rust: bool) {
        let (problem, remedy) = message.rsplit_once("; ").unwrap_or((message, ""));
        self.problem = problem.to_owned();
        let (left_out, missing) = self.carries_no_libc();
        self.remedies = remedy::remedies(&self.missing_libraries, &missing, is_rust);
        if left_out {
            self.remedies.push("build the function with libc.so, not with --without libc".into());
        }
        if self.remedies.is_empty() && !remedy.is_empty() {
            self.remedies.push(remedy.to_owned());
        }
        self.refusal = Some(format!("{} {message}", self.file));
    }
}
