//! The library to judge: the file itself, or the handler's in a file that is a whole function.

use pilotlight_loader::Defect;
use pilotlight_loader::catalog::SymbolCatalog;
use pilotlight_loader::elf;
use pilotlight_loader::package::Package;
use pilotlight_loader::package::Part;
use serde::Serialize;

use crate::cpu::Cpu;
use crate::one_file;

/// Sizes in bytes of the libraries that a bootstrap carries; None for those that it does not.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Carried {
    /// The handler's library.
    pub handler: u64,
    /// The rest of the C library.
    pub libc: Option<u64>,
    /// The module that talks to AWS.
    pub services: Option<u64>,
}

/// A library, and the runtime that it is for.
#[derive(Debug)]
pub struct Found<'a> {
    /// The library's bytes.
    pub library: &'a [u8],
    /// The libraries beside it, if a bootstrap carries it.
    pub carried: Option<Carried>,
    /// The CPU of that bootstrap.
    pub cpu: Option<&'static Cpu>,
    /// The symbols that the runtime provides.
    pub runtime: SymbolCatalog,
}

/// Finds the library in a file. Err: the file is a bootstrap that is damaged.
pub fn find(file: &[u8]) -> Result<Found<'_>, Defect> {
    let alone =
        Found { library: file, carried: None, cpu: None, runtime: SymbolCatalog::default() };
    let Some(package) = one_file::package(file) else { return Ok(alone) };
    let Some(Package { handler, libc, services }) = package? else { return Ok(alone) };
    let parts = [Some(handler), libc, services].map(|part| part.map(|part| content(file, part)));
    for part in parts.into_iter().flatten() {
        part?;
    }
    let size = |part: Part| part.size;
    Ok(Found {
        library: content(file, handler)?,
        carried: Some(Carried {
            handler: handler.size,
            libc: libc.map(size),
            services: services.map(size),
        }),
        cpu: elf::machine(file).and_then(Cpu::numbered),
        runtime: if libc.is_some() { alone.runtime } else { SymbolCatalog::without_module() },
    })
}

fn content(file: &[u8], part: Part) -> Result<&[u8], Defect> {
    let number = |value| usize::try_from(value).ok();
    let range = number(part.offset)
        .zip(number(part.size))
        .and_then(|(start, size)| Some(start..start.checked_add(size)?));
    let what = "a library that it carries";
    let file_size = file.len() as u64;
    range.and_then(|range| file.get(range)).ok_or(Defect::Truncated { what, file_size })
}
