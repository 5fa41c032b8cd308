//! Everything that can be wrong with a handler library: one variant a defect, each with the words
//! that the person who deployed it reads.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::fmt;

use super::arch;
use super::tls::TLS_ALIGN;

/// What is wrong with a file, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub enum Defect {
    /// It cannot be opened or read.
    Unreadable {
        /// The system's error number.
        errno: i32,
    },
    /// It has no bytes.
    Empty,
    /// It does not begin with the ELF magic.
    NotElf,
    /// It is a 32-bit object.
    Not64Bit,
    /// It was built for another CPU.
    WrongMachine {
        /// That CPU's name.
        machine: &'static str,
    },
    /// It is a program.
    Executable,
    /// It was not linked.
    ObjectFile,
    /// `e_type` is none of the above.
    UnknownKind {
        /// `e_type`.
        kind: u16,
    },
    /// The program header table cannot be one.
    ProgramHeaders {
        /// `e_phnum`.
        count: usize,
        /// `e_phentsize`.
        entry_size: usize,
    },
    /// The file ends before something that it announces.
    Truncated {
        /// What is missing.
        what: &'static str,
        /// How long the file is.
        file_size: u64,
    },
    /// A segment's numbers contradict each other.
    BadSegment {
        /// Its address.
        address: u64,
    },
    /// Code that can be changed while it runs.
    WritableAndExecutable {
        /// The segment's address.
        address: u64,
    },
    /// Two segments share a page.
    OverlappingSegments {
        /// The second one's address.
        address: u64,
    },
    /// Nothing to map.
    NoSegments,
    /// It has no dynamic section.
    NotDynamic,
    /// The thread-local template's numbers contradict each other.
    BadTls,
    /// More thread-local bytes than the reserve holds, reached from the thread pointer.
    TlsTooLarge {
        /// What the library needs.
        size: u64,
        /// How it must be aligned.
        align: u64,
        /// What is left.
        available: u64,
    },
    /// The kernel refused a mapping.
    MapFailed {
        /// The system's error number.
        errno: i32,
    },
    /// A table that the dynamic section names lies outside the file's segments.
    BadTable {
        /// Which table.
        what: &'static str,
    },
    /// It must be changed where it is executable.
    TextRelocations,
    /// It needs shared libraries that are not there.
    MissingLibraries {
        /// Their names.
        names: Vec<String>,
    },
    /// A relocation that is not supported.
    UnsupportedRelocation(Box<UnsupportedRelocation>),
    /// A relocation's place lies outside the writable segments.
    BadRelocation {
        /// `r_offset`.
        offset: u64,
    },
    /// Symbols that nothing defines.
    MissingSymbols {
        /// Their names; the first few.
        names: Vec<String>,
        /// How many there are.
        count: usize,
    },
    /// A constructor or destructor outside the executable segments.
    BadConstructor,
    /// A library without the symbol that was asked for.
    NoSuchSymbol {
        /// The symbol.
        name: &'static str,
    },
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let this = arch::machine_name(arch::MACHINE);
        match self {
            Defect::Unreadable { errno } => write!(
                f,
                "cannot be read (errno {errno}); check that the package holds it and that all may read it"
            ),
            Defect::Empty => f.write_str("is empty; build and package the handler again"),
            Defect::NotElf => f.write_str(
                "is not an ELF file; package the lib<name>.so that `cargo build --release` wrote",
            ),
            Defect::Not64Bit => write!(f, "is a 32-bit library; build it for {this}"),
            Defect::WrongMachine { machine } => write!(
                f,
                "was built for {machine}, this runtime is for {this}; build it for {this} or choose the function's architecture to match"
            ),
            Defect::Executable => f.write_str(
                "is a program, not a shared library; build it with crate-type = [\"cdylib\"] (in C: -shared -fPIC)",
            ),
            Defect::ObjectFile => f.write_str(
                "is an unlinked object file; link it with crate-type = [\"cdylib\"] (in C: -shared -fPIC)",
            ),
            Defect::UnknownKind { kind } => write!(f, "has ELF type {kind}, not a shared library's 3"),
            Defect::ProgramHeaders { count, entry_size } => write!(
                f,
                "is damaged: {count} program headers of {entry_size} bytes; package it again"
            ),
            Defect::Truncated { what, file_size } => write!(
                f,
                "is cut off: {what} would reach past its {file_size} bytes; package it again"
            ),
            Defect::BadSegment { address } => {
                write!(f, "is damaged: the segment at {address:#x} cannot be mapped")
            }
            Defect::WritableAndExecutable { address } => write!(
                f,
                "has a segment at {address:#x} that is both writable and executable; link it without -z execstack and -N"
            ),
            Defect::OverlappingSegments { address } => write!(
                f,
                "has a segment at {address:#x} that shares a page with the one before; link it with -z max-page-size=4096"
            ),
            Defect::NoSegments => f.write_str("is damaged: it has nothing to map"),
            Defect::NotDynamic => f.write_str("has no dynamic section; link it as a shared library"),
            Defect::BadTls => f.write_str("is damaged: its thread-local template contradicts itself"),
            Defect::TlsTooLarge { size, align, available } => write!(
                f,
                "needs {size} bytes of thread-local storage (aligned to {align}) under the initial-exec model, and {available} (aligned to {}) are left; compile it without -ftls-model=initial-exec, or keep large thread-locals on the heap",
                TLS_ALIGN,
            ),
            Defect::MapFailed { errno } => write!(f, "cannot be mapped (errno {errno})"),
            Defect::BadTable { what } => {
                write!(f, "is damaged: its {what} lies outside its segments; package it again")
            }
            Defect::TextRelocations => {
                f.write_str("has relocations in its code; compile it with -fPIC")
            }
            Defect::MissingLibraries { names } => {
                f.write_str("needs ")?;
                list(f, names)?;
                f.write_str(", which this runtime does not provide; link it statically into the handler")
            }
            Defect::UnsupportedRelocation(relocation) => relocation.fmt(f),
            Defect::BadRelocation { offset } => write!(
                f,
                "is damaged: a relocation at {offset:#x} lies outside its writable segments"
            ),
            Defect::MissingSymbols { names, count } => {
                f.write_str("needs ")?;
                list(f, names)?;
                if *count > names.len() {
                    write!(f, " and {} more", count - names.len())?;
                }
                f.write_str(", which neither it nor this runtime defines; link the library that does statically into the handler")
            }
            Defect::BadConstructor => f.write_str(
                "is damaged: one of its constructors or destructors is not in an executable segment; package it again",
            ),
            Defect::NoSuchSymbol { name } => write!(
                f,
                "does not export `{name}`, so it is no handler library; export its handlers with pilotlight::handler!(…) (in C: PILOTLIGHT_HANDLERS)"
            ),
        }
    }
}

/// A relocation that is refused. It is boxed, so that it does not enlarge every result that a
/// [`Defect`] may be in.
#[derive(Debug, PartialEq, Eq)]
pub struct UnsupportedRelocation {
    /// The raw number.
    pub kind: u32,
    /// `r_offset`.
    pub offset: u64,
    /// The symbol's name; empty if it has none.
    pub symbol: String,
    /// Its name, and what to do about it.
    pub what: &'static arch::Unsupported,
}

impl fmt::Display for UnsupportedRelocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UnsupportedRelocation { kind, offset, symbol, what } = self;
        write!(f, "has {} (relocation {kind}) at {offset:#x}", what.name)?;
        if !symbol.is_empty() {
            write!(f, " (symbol {symbol})")?;
        }
        write!(f, ", which is not supported; {}", what.remedy)
    }
}

fn list(f: &mut fmt::Formatter<'_>, names: &[String]) -> fmt::Result {
    for (index, name) in names.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        write!(f, "{separator}`{name}`")?;
    }
    Ok(())
}

/// Why a library was refused.
#[derive(Debug)]
pub struct LoadError {
    /// The file.
    pub path: String,
    /// What is wrong with it.
    pub defect: Defect,
}

impl LoadError {
    /// Says what is wrong with the file at `path`.
    pub fn new(path: &CStr, defect: Defect) -> LoadError {
        LoadError { path: path.to_string_lossy().into_owned(), defect }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.defect)
    }
}
