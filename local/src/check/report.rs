//! The text of a check.

use std::fmt;
use std::fmt::Formatter;

use pilotlight_loader::arch::Machine;
use pilotlight_loader::arch::Native;
use pilotlight_loader::catalog::SymbolCatalog;
use pilotlight_loader::elf::Parsed;
use pilotlight_loader::elf::Segment;
use pilotlight_loader::tls::TLS_RESERVE;

use super::Check;
use super::Requirements;

/// Relative relocations without advice: applying more takes longer than the smallest start.
pub const MAX_QUIET_RELOCATIONS: usize = 5000;
/// Bytes of a stripped library without advice.
const MAX_QUIET_SIZE: usize = 4 << 20;
/// Functions of the C library whose results the caller frees.
const ALLOCATING: [&str; 15] = [
    "__getdelim",
    "asprintf",
    "get_current_dir_name",
    "getdelim",
    "getline",
    "open_memstream",
    "open_wmemstream",
    "realpath",
    "scandir",
    "scandir64",
    "strdup",
    "strndup",
    "tempnam",
    "vasprintf",
    "wcsdup",
];

impl fmt::Display for Check {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} bytes", self.path.display(), self.file_size)?;
        if let Some(parsed) = &self.parsed {
            self.describe(parsed, f)?;
        }
        match &self.refusal {
            None if self.machine == Native::NAME => writeln!(f, "  loads")?,
            None => writeln!(f, "  loads on {}", self.machine)?,
            Some(refusal) => writeln!(f, "  refused: {refusal}")?,
        }
        if self.refusal.is_some()
            && let Some(requirements) = &self.requirements
        {
            missing(requirements, f)?;
        }
        if let Some(warning) = self.warn_of_heap() {
            writeln!(f, "  mind: {warning}")?;
        }
        for advice in self.advice() {
            writeln!(f, "  faster: {advice}")?;
        }
        Ok(())
    }
}

impl Check {
    fn describe(&self, parsed: &Parsed, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "  shared library for {}", self.machine)?;
        if let Some(handlers) = &self.handlers {
            let (major, minor) = (handlers.abi_version >> 16, handlers.abi_version & 0xffff);
            let names = handlers.names.join(", ");
            let init = if handlers.has_init { ", and an init function" } else { "" };
            writeln!(f, "  handlers: {names} (ABI {major}.{minor}){init}")?;
        }
        let segments: Vec<String> = parsed.segments.iter().map(segment).collect();
        writeln!(f, "  segments: {}", segments.join(", "))?;
        if let Some(requirements) = &self.requirements {
            let kinds =
                requirements.relocations.iter().map(|(kind, count)| format!("{count} {kind}"));
            let kinds: Vec<String> = kinds.collect();
            let kinds = if kinds.is_empty() { "none".into() } else { kinds.join(", ") };
            writeln!(f, "  relocations: {kinds}")?;
            let runtime = SymbolCatalog::default();
            let of_module =
                requirements.symbols.iter().filter(|name| fetched(&runtime, name)).count();
            let of_bootstrap = requirements.symbols.iter().filter(|name| runtime.has(name)).count();
            writeln!(
                f,
                "  C library: {of_bootstrap} symbols of the bootstrap, {of_module} of pilotlight/libc.so"
            )?;
        }
        let thread_local = parsed.tls.as_ref().map_or(0, |template| template.memory_size);
        writeln!(f, "  thread-locals: {thread_local} bytes of a reserve of {TLS_RESERVE}")?;
        if let Some(linked) = &self.linked {
            let (first, last) = (linked.constructors.len(), linked.destructors.len());
            writeln!(f, "  constructors: {first}; destructors: {last}")?;
        }
        Ok(())
    }

    /// Warns of a heap that the C library does not know, in a library that would free results of
    /// the C library there.
    fn warn_of_heap(&self) -> Option<String> {
        let symbols = &self.requirements.as_ref().filter(|_| self.has_own_free)?.symbols;
        let names: Vec<&str> =
            ALLOCATING.into_iter().filter(|name| symbols.contains(*name)).collect();
        (!names.is_empty()).then(|| {
            format!(
                "it has a `free` that it does not export, which cannot take what the C library allocates ({}); give the allocator's functions a prefix (tikv-jemallocator: without unprefixed_malloc_on_supported_platforms; mimalloc: without override), or export them",
                names.join(", ")
            )
        })
    }

    /// The changes that would make the library start faster.
    fn advice(&self) -> Vec<String> {
        let mut advice = Vec::new();
        if self.strippable_size > 0 {
            advice.push(format!(
                "{} bytes are symbols and debug information; set strip = \"symbols\" in the release profile (in C: link with -s)",
                self.strippable_size
            ));
        }
        if self.file_size - self.strippable_size > MAX_QUIET_SIZE {
            advice.push("a cold start reads a file this large; set lto = \"fat\" and codegen-units = 1 in the release profile, and leave out features of dependencies".into());
        }
        let Some(requirements) = &self.requirements else {
            return advice;
        };
        let first = self.parsed.as_ref().and_then(|parsed| parsed.segments.first());
        // In a library linked for a fixed address, packed relocations change nothing.
        let is_placed = first.is_some_and(|segment| segment.address > 0);
        let packed = if is_placed { 0 } else { requirements.packed_relative };
        let relative = requirements.unpacked_relative + packed;
        if relative > MAX_QUIET_RELOCATIONS {
            advice.push(format!(
                "{relative} relative relocations are applied at every start, and copy the pages that they change; linked with -C link-arg=-Wl,-z,pack-relative-relocs -C link-arg=-Wl,--image-base=0x1000000000 (in C: -fuse-ld=lld -Wl,--pack-dyn-relocs=relr and the same --image-base) it needs none, and lies at the same address in every process"
            ));
        }
        let runtime = SymbolCatalog::default();
        let fetched: Vec<&str> = requirements
            .symbols
            .iter()
            .filter(|name| fetched(&runtime, name))
            .map(String::as_str)
            .collect();
        if !fetched.is_empty() {
            advice
                .push(format!("pilotlight/libc.so is mapped as well, for {}", fetched.join(", ")));
        }
        advice
    }
}

/// Whether the bootstrap has to map `pilotlight/libc.so` for the symbol.
fn fetched(runtime: &SymbolCatalog, name: &str) -> bool {
    !runtime.has(name) && runtime.can_fetch(name)
}

/// Lists everything that the runtime does not provide. A refusal stops at the first kind, and names
/// a few.
fn missing(requirements: &Requirements, f: &mut Formatter<'_>) -> fmt::Result {
    for library in &requirements.missing_libraries {
        writeln!(f, "  missing library: {library}")?;
    }
    let runtime = SymbolCatalog::default();
    let is_missing = |name: &&String| !runtime.has(name) && !runtime.can_fetch(name);
    for symbol in requirements.symbols.iter().filter(is_missing) {
        writeln!(f, "  missing symbol: {symbol}")?;
    }
    Ok(())
}

fn segment(segment: &Segment) -> String {
    let kind = match (segment.writable, segment.executable) {
        (true, _) => "read-write",
        (_, true) => "read-execute",
        _ => "read",
    };
    format!("{kind} {}", segment.memory_size)
}
