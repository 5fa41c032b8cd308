//! The defects of a handler library: one variant each, with the message for the person who deployed
//! it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::error::Error;
use core::ffi::CStr;
use core::fmt;

use super::arch::Machine;
use super::arch::Native;
use super::arch::Unsupported;
use super::tls::TLS_ALIGN;

/// A defect of a file. Its message says what to do about it.
#[non_exhaustive]
#[derive(Debug, PartialEq, Eq)]
pub enum Defect {
    /// It cannot be opened or read.
    Unreadable {
        /// The system's error, in words.
        reason: &'static str,
    },
    /// It has no bytes.
    Empty,
    /// It does not begin with the ELF magic.
    NotElf,
    /// It is a 32-bit object.
    Not64Bit,
    /// It was built for another CPU than this runtime's.
    WrongMachine {
        /// That CPU's name.
        machine: &'static str,
    },
    /// It is a program.
    Executable,
    /// It was not linked.
    ObjectFile,
    /// `e_type` has another value.
    UnknownKind {
        /// `e_type`.
        kind: u16,
    },
    /// The program headers' number or size is impossible.
    ProgramHeaders {
        /// `e_phnum`.
        count: usize,
        /// `e_phentsize`.
        entry_size: usize,
    },
    /// The file ends before something that its headers name.
    Truncated {
        /// The part that is missing.
        what: &'static str,
        /// Bytes of the file.
        file_size: u64,
    },
    /// A segment's numbers contradict each other.
    BadSegment {
        /// Its address.
        address: u64,
    },
    /// A segment is both writable and executable.
    WritableAndExecutable {
        /// The segment's address.
        address: u64,
    },
    /// Two segments share a page.
    OverlappingSegments {
        /// The second one's address.
        address: u64,
    },
    /// It has no segment to map.
    NoSegments,
    /// It has no dynamic section.
    NotDynamic,
    /// The thread-local template's numbers contradict each other.
    BadTls,
    /// Its thread-locals, reached from the thread pointer, do not fit into the reserve.
    TlsTooLarge {
        /// Bytes that the library needs.
        size: u64,
        /// Their alignment.
        align: u64,
        /// Bytes left in the reserve.
        available: u64,
    },
    /// The kernel refused a mapping.
    MapFailed {
        /// The system's error, in words.
        reason: &'static str,
    },
    /// A table that the dynamic section names lies outside the file's segments.
    BadTable {
        /// The table.
        what: &'static str,
    },
    /// Relocation would have to write to its code.
    TextRelocations,
    /// It needs shared libraries that the runtime does not provide.
    MissingLibraries {
        /// Their names.
        names: Vec<String>,
    },
    /// A relocation that is not supported.
    UnsupportedRelocation(Box<UnsupportedRelocation>),
    /// A relocation would write outside the writable segments.
    BadRelocation {
        /// `r_offset`.
        offset: u64,
    },
    /// It needs symbols that neither it nor the runtime defines.
    MissingSymbols {
        /// The first few of their names.
        names: Vec<String>,
        /// Their number.
        count: usize,
    },
    /// The table of the libraries that a bootstrap carries contradicts itself.
    BadPackage,
    /// A constructor or destructor lies outside the executable segments.
    BadConstructor,
    /// It does not define the entry symbol.
    NoSuchSymbol {
        /// The symbol's name.
        name: &'static str,
    },
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Defect::Unreadable { reason } => write!(
                f,
                "cannot be read ({reason}); check that it is packaged and that all may read it"
            ),
            Defect::Empty => f.write_str("is empty; build and package the handler again"),
            Defect::NotElf => f.write_str(
                "is not an ELF file; package the lib<name>.so that `cargo build --release` wrote",
            ),
            Defect::Not64Bit => {
                write!(f, "is a 32-bit library; build it for {}", Native::NAME)
            }
            Defect::WrongMachine { machine } => write!(
                f,
                "was built for {machine}, this runtime is for {this}; build it for {this} or change the function's architecture",
                this = Native::NAME,
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
            Defect::MapFailed { reason } => write!(f, "cannot be mapped ({reason})"),
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
                f.write_str(", which neither it nor this runtime defines; `pilotlight check` says what to do")
            }
            Defect::BadPackage => f.write_str(
                "is damaged: its table of libraries contradicts itself; build the function again",
            ),
            Defect::BadConstructor => f.write_str(
                "is damaged: one of its constructors or destructors is not in an executable segment; package it again",
            ),
            Defect::NoSuchSymbol { name } => write!(
                f,
                "does not export `{name}`, so it is not a handler library; export its handlers with pilotlight::handler!(…) (in C: PILOTLIGHT_HANDLERS)"
            ),
        }
    }
}

impl Error for Defect {}

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
    pub what: &'static Unsupported,
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

impl Error for UnsupportedRelocation {}

fn list(f: &mut fmt::Formatter<'_>, names: &[String]) -> fmt::Result {
    for (index, name) in names.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        write!(f, "{separator}`{name}`")?;
    }
    Ok(())
}

/// The refusal of a library.
#[derive(Debug)]
pub struct LoadError {
    /// The file.
    pub path: String,
    /// Its defect.
    pub defect: Defect,
}

impl LoadError {
    /// Names the file at `path` and its defect.
    pub fn new(path: &CStr, defect: Defect) -> LoadError {
        LoadError { path: path.to_string_lossy().into_owned(), defect }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.defect)
    }
}

/// Without a source: the message includes that of the defect.
impl Error for LoadError {}
