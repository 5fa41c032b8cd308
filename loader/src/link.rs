//! The steps from parsed headers to a library that could be called, in order. Each may refuse it.

use alloc::vec::Vec;

use super::arch::Machine;
use super::arch::Native;
use super::dynamic::Dynamic;
use super::elf;
use super::elf::Parsed;
use super::error::Defect;
use super::memory::Data;
use super::memory::Tables;
use super::memory::table;
use super::relocate;
use super::relocate::Provider;
use super::relocate::Scope;
use super::tls::TlsPlace;

/// The symbol that a library is mapped for.
#[derive(Clone, Copy, Debug)]
pub struct EntrySymbol {
    /// Its name.
    pub name: &'static str,
    /// Bytes of the object that it names, which one segment must hold.
    pub size: u64,
}

/// A library whose data has been relocated.
#[derive(Debug)]
pub struct Linked {
    /// The dynamic section.
    pub dynamic: Dynamic,
    /// The address of the entry symbol, relative to the base.
    pub entry: u64,
    /// Live addresses of the constructors, in the order of their calls.
    pub constructors: Vec<u64>,
    /// Live addresses of the destructors, in the order of their calls.
    pub destructors: Vec<u64>,
    /// The location of its thread-locals, if it has any.
    pub tls: Option<TlsPlace>,
}

/// Relocates the segments in `tables` and `data` for the base address `base`, against the symbols
/// of `host`. The library is one for this CPU.
pub fn link(
    parsed: &Parsed,
    tables: &Tables,
    data: &mut Data,
    base: u64,
    host: &dyn Provider,
    entry_symbol: EntrySymbol,
) -> Result<Linked, Defect> {
    // The bootstrap's instance is made here, at the optimisation level of this crate.
    link_for::<Native>(parsed, tables, data, base, host, entry_symbol)
}

/// As [`link`], for another CPU.
pub fn link_for<M: Machine>(
    parsed: &Parsed,
    tables: &Tables,
    data: &mut Data,
    base: u64,
    host: &dyn Provider,
    entry_symbol: EntrySymbol,
) -> Result<Linked, Defect> {
    let dynamic = Dynamic::read(&parsed.dynamic, tables, data)?;
    let symbols = dynamic.symbols(tables, Some(data))?;
    dynamic.check_needed::<M>(&symbols)?;
    let entry = dynamic
        .find(entry_symbol.name.as_bytes(), &symbols, tables, Some(data))
        .ok_or(Defect::NoSuchSymbol { name: entry_symbol.name })?;
    let template = parsed.tls.as_ref().filter(|template| template.memory_size > 0);
    let tls = template.map(|template| (host.reserve_tls(template), template));
    // ELF looks names up in the executable and the C library first. For a heap that matters: a
    // block that `realpath` has allocated must be freed by the same heap.
    let has_heap = dynamic.find(b"free", &symbols, tables, Some(data)).is_some();
    let scope = Scope { base, host, tls, has_heap };
    relocate::relocate::<M>(&dynamic, &symbols, tables, data, &scope)?;

    let inside = |address, size| parsed.segment_at(address, size).is_some();
    if !inside(entry, entry_symbol.size) {
        return Err(Defect::BadTable { what: "entry symbol" });
    }
    if template.is_some_and(|template| !inside(template.address, template.file_size)) {
        return Err(Defect::BadTls);
    }
    let code = |live: u64| {
        let address = live.wrapping_sub(base);
        let executable = parsed.segment_at(address, 1).is_some_and(|segment| segment.executable);
        if executable { Ok(live) } else { Err(Defect::BadConstructor) }
    };
    let function = |address: u64| (address != 0).then(|| base.wrapping_add(address));
    let first = function(dynamic.init).into_iter();
    let constructors = first.chain(array(dynamic.init_array, tables, data)?);
    let constructors: Result<_, _> = constructors.filter(is_function).map(code).collect();
    let last = function(dynamic.fini);
    let destructors = array(dynamic.fini_array, tables, data)?.into_iter().rev().chain(last);
    let destructors: Result<_, _> = destructors.filter(is_function).map(code).collect();
    let (constructors, destructors) = (constructors?, destructors?);
    let tls = tls.map(|(tls, _)| tls);
    Ok(Linked { dynamic, entry, constructors, destructors, tls })
}

/// 0 and -1 are placeholders.
fn is_function(live: &u64) -> bool {
    *live != 0 && *live != u64::MAX
}

/// `DT_INIT_ARRAY` or `DT_FINI_ARRAY` after relocation: live addresses.
fn array(
    (address, size): (u64, u64),
    tables: &Tables,
    data: &mut Data,
) -> Result<Vec<u64>, Defect> {
    if size == 0 {
        return Ok(Vec::new());
    }
    let bytes = table(address, size, tables, Some(data))
        .ok_or(Defect::BadTable { what: "list of constructors" })?;
    Ok(bytes.chunks_exact(8).map(|entry| elf::u64_at(entry, 0)).collect())
}
