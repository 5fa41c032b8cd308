//! A function in one file: the bootstrap, and the libraries that it carries after its
//! own bytes.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use pilotlight_loader::Defect;
use pilotlight_loader::elf::HEADER_SIZE;
use pilotlight_loader::elf::PROGRAM_HEADER_SIZE;
use pilotlight_loader::package;
use pilotlight_loader::package::Package;
use pilotlight_loader::package::WORDS;

/// Bytes at a program's start that hold its program headers and the table.
const HEAD_SIZE: u64 = 4096;

/// The files that become one.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// The layer's `bootstrap`.
    pub bootstrap: &'a [u8],
    /// The handler's library.
    pub handler: &'a [u8],
    /// The layer's `pilotlight/libc.so`.
    pub libc: Option<&'a [u8]>,
    /// The layer's `pilotlight/services.so`.
    pub services: Option<&'a [u8]>,
}

/// The one file: the same bytes for the same files.
pub fn assemble(files: &Files) -> Result<Vec<u8>> {
    let Files { bootstrap, handler, libc, services } = *files;
    let at = table_offset(bootstrap).context("the bootstrap is not one of Pilotlight's")?;
    match read_table(bootstrap, at).map(|table| Package::parse(&table)) {
        Some(Ok(None)) => {}
        Some(Ok(Some(_))) => bail!("the bootstrap carries libraries already"),
        _ => bail!("the bootstrap is of another version than this command"),
    }
    let size = |file: &[u8]| file.len() as u64;
    let package =
        Package::lay_out(size(bootstrap), size(handler), libc.map(size), services.map(size));
    let mut file = bootstrap.to_vec();
    for (part, bytes) in
        [(Some(package.handler), Some(handler)), (package.libc, libc), (package.services, services)]
    {
        if let (Some(part), Some(bytes)) = (part, bytes) {
            file.resize(usize::try_from(part.offset)?, 0);
            file.extend_from_slice(bytes);
        }
    }
    for (index, word) in package.table().iter().enumerate() {
        file[at + 8 * index..][..8].copy_from_slice(&word.to_le_bytes());
    }
    Ok(file)
}

/// Whether a library reads configuration, for which the runtime needs `services.so`.
pub fn reads_configuration(library: &[u8]) -> bool {
    let mark = pilotlight_abi::CONFIG_MARK.as_bytes();
    library.windows(mark.len()).any(|bytes| bytes == mark)
}

/// The libraries that a program carries; None if it is not a bootstrap, or carries none.
pub fn carried(program: &[u8]) -> Option<Package> {
    package(program)?.ok()?
}

/// The table of a bootstrap, which says what it carries, if anything; None for another program.
pub fn package(program: &[u8]) -> Option<std::result::Result<Option<Package>, Defect>> {
    Some(Package::parse(&read_table(program, table_offset(program)?)?))
}

/// Whether the file at `path` is a program that carries libraries.
pub fn is_function(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD_SIZE).read_to_end(&mut head));
    read.is_ok() && carried(&head).is_some()
}

/// The bytes of the handler's library: a part of a file that carries one, or else the whole file.
pub fn library(file: &[u8]) -> &[u8] {
    let range = carried(file).and_then(|package| {
        let start = usize::try_from(package.handler.offset).ok()?;
        Some(start..start.checked_add(usize::try_from(package.handler.size).ok()?)?)
    });
    range.map_or(file, |range| file.get(range).unwrap_or_default())
}

/// The table stands directly after the program headers.
fn table_offset(program: &[u8]) -> Option<usize> {
    let header = program.get(..HEADER_SIZE)?;
    let number = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
    let (entry_size, count) = (number(54), number(56));
    let is_elf = header.starts_with(b"\x7fELF") && entry_size == PROGRAM_HEADER_SIZE;
    is_elf.then_some(HEADER_SIZE + count * PROGRAM_HEADER_SIZE)
}

fn read_table(program: &[u8], at: usize) -> Option<[u64; WORDS]> {
    let bytes = program.get(at..at + 8 * WORDS)?;
    let mut table = [0; WORDS];
    for (word, bytes) in table.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    (table[0] == package::MAGIC).then_some(table)
}
