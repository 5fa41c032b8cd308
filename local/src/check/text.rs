//! The text of a check: the verdict first, then what to do, then the description.

use std::fmt;
use std::fmt::Formatter;

use pilotlight_loader::arch::Machine;
use pilotlight_loader::arch::Native;
use pilotlight_loader::tls::TLS_RESERVE;

use super::Carried;
use super::Check;
use super::Extension;
use super::Needed;
use super::words::listed;

impl fmt::Display for Check {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.machine {
            _ if !self.loads => writeln!(f, "{}: refused: it {}", self.file, self.problem)?,
            Some(machine) if machine != Native::NAME => {
                writeln!(f, "{}: loads on {machine}", self.file)?;
            }
            _ => writeln!(f, "{}: loads", self.file)?,
        }
        for (kind, lines) in
            [("remedy", &self.remedies), ("mind", &self.warnings), ("faster", &self.faster)]
        {
            for line in lines {
                writeln!(f, "  {kind}: {line}")?;
            }
        }
        self.name_missing(f)?;
        if self.file_size > 0 {
            self.write_description(f)?;
        }
        Ok(())
    }
}

impl Check {
    /// Names all that is missing: a refusal stops at the first kind, and names a few. The symbols
    /// of a missing library go without saying.
    fn name_missing(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let libraries: Vec<&str> = self.missing_libraries.iter().map(String::as_str).collect();
        if !libraries.is_empty() {
            writeln!(f, "  missing libraries: {}", listed(&libraries))?;
        }
        let is_other = |library: &Option<String>| {
            library.as_ref().is_none_or(|library| !self.missing_libraries.contains(library))
        };
        let symbols: Vec<&str> = self
            .missing_symbols
            .iter()
            .filter(|symbol| is_other(&symbol.library))
            .map(|symbol| symbol.name.as_str())
            .collect();
        if !symbols.is_empty() {
            writeln!(f, "  missing symbols: {}", listed(&symbols))?;
        }
        Ok(())
    }

    fn write_description(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.machine {
            Some(machine) => writeln!(f, "  file: {} bytes, for {machine}", self.file_size)?,
            None => return writeln!(f, "  file: {} bytes", self.file_size),
        }
        if let Some(Carried { handler, libc, services }) = self.carries {
            write!(f, "  carries: the handler's library ({handler} bytes)")?;
            for (name, size) in [("libc.so", libc), ("services.so", services)] {
                match size {
                    Some(size) => write!(f, ", {name} ({size} bytes)")?,
                    None => write!(f, ", no {name}")?,
                }
            }
            writeln!(f)?;
        }
        if let Some([major, minor]) = self.abi {
            let names = self.handlers.join(", ");
            let init = if self.has_init { ", and an init function" } else { "" };
            writeln!(f, "  handlers: {names} (ABI {major}.{minor}){init}")?;
        }
        let segments = self.segments.iter().map(|part| format!("{} {}", part.access, part.size));
        writeln!(f, "  segments: {}", segments.collect::<Vec<_>>().join(", "))?;
        let kinds = self.relocations.iter().map(|(kind, count)| format!("{count} {kind}"));
        let kinds = kinds.collect::<Vec<_>>().join(", ");
        writeln!(f, "  relocations: {}", if kinds.is_empty() { "none" } else { &kinds })?;
        write!(f, "  C library: {} symbols of the bootstrap", self.bootstrap_symbols)?;
        let fetched: Vec<&str> = self.libc_symbols.iter().map(String::as_str).collect();
        if !fetched.is_empty() {
            write!(f, "; pilotlight/libc.so is mapped as well, for {}", listed(&fetched))?;
        }
        writeln!(f)?;
        writeln!(f, "  thread-locals: {} bytes of a reserve of {TLS_RESERVE}", self.thread_locals)?;
        if let Some(Extension { name, needed, .. }) = self.extension {
            let needed = match needed {
                Needed::No => "not used",
                Needed::Yes => "needed",
                Needed::Unknown => "whether it is needed cannot be known from the file",
            };
            writeln!(f, "  {name}: {needed}")?;
        }
        writeln!(f, "  constructors: {}; destructors: {}", self.constructors, self.destructors)
    }
}
