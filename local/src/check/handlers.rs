//! The exports of a library, read from relocated copies of its segments as the bootstrap reads them
//! from the mapped ones.

use std::ffi::CStr;
use std::mem::offset_of;

use pilotlight_abi as abi;
use pilotlight_loader::Data;
use pilotlight_loader::Tables;
use pilotlight_loader::elf::Parsed;
use pilotlight_loader::elf::u32_at;
use pilotlight_loader::elf::u64_at;

/// Base address of the copies: any page other than the first will do.
pub const BASE: u64 = 0x10_0000_0000;

/// The offsets of the functions in a library's table.
const FUNCTIONS: [usize; 6] = [
    offset_of!(abi::Library, init),
    offset_of!(abi::Library, shutdown),
    offset_of!(abi::Library, attach),
    offset_of!(abi::Library, after),
    offset_of!(abi::Library, before_snapshot),
    offset_of!(abi::Library, after_restore),
];

/// The exports of a library.
#[derive(Debug)]
pub struct Handlers {
    /// The ABI version that it was built for.
    pub abi_version: u32,
    /// Whether it has an `init` to call before the first invocation.
    pub has_init: bool,
    /// The handlers' names; empty for a library of another ABI.
    pub names: Vec<String>,
}

/// The segments of a relocated library.
#[derive(Debug)]
pub struct Memory<'m, 'a> {
    /// The headers that describe them.
    pub parsed: &'m Parsed,
    /// The read-only ones.
    pub tables: &'m Tables<'a>,
    /// The writable ones.
    pub data: &'m mut Data<'a>,
}

impl Memory<'_, '_> {
    /// The bytes from a relocated address to the end of its segment; None if fewer than `size`.
    fn bytes(&mut self, live: u64, size: usize) -> Option<&[u8]> {
        let address = live.wrapping_sub(BASE);
        let bytes = match self.tables.rest(address) {
            Some(bytes) => bytes,
            None => self.data.rest(address)?,
        };
        (bytes.len() >= size).then_some(bytes)
    }

    fn is_code(&self, live: u64) -> bool {
        let segment = self.parsed.segment_at(live.wrapping_sub(BASE), 1);
        segment.is_some_and(|segment| segment.executable)
    }
}

/// Reads the exports; None if a pointer leads out of the library.
pub fn read(mut memory: Memory<'_, '_>, entry: u64) -> Option<Handlers> {
    let live = BASE.wrapping_add(entry);
    let library = memory.bytes(live, abi::Library::MIN_SIZE)?;
    let abi_version = u32_at(library, offset_of!(abi::Library, abi_version));
    let count = u32_at(library, offset_of!(abi::Library, handler_count));
    let first = u64_at(library, offset_of!(abi::Library, handlers));
    let init = u64_at(library, offset_of!(abi::Library, init));
    let mut handlers = Handlers { abi_version, has_init: init != 0, names: Vec::new() };
    if pilotlight_loader::abi_mismatch(abi_version).is_some() {
        return Some(handlers);
    }
    let size = abi::Library::size_in(abi_version);
    let library = memory.bytes(live, size)?;
    let present = FUNCTIONS.into_iter().filter(|&offset| offset < size);
    let functions: Vec<u64> = present.map(|offset| u64_at(library, offset)).collect();
    if functions.into_iter().any(|live| live != 0 && !memory.is_code(live)) {
        return None;
    }
    for index in 0..u64::from(count) {
        let size = size_of::<abi::Handler>();
        let handler = memory.bytes(first.checked_add(index * size as u64)?, size)?;
        let name = u64_at(handler, offset_of!(abi::Handler, name));
        let call = u64_at(handler, offset_of!(abi::Handler, call));
        if !memory.is_code(call) {
            return None;
        }
        let name = CStr::from_bytes_until_nul(memory.bytes(name, 1)?).ok()?;
        handlers.names.push(name.to_string_lossy().into_owned());
    }
    Some(handlers)
}
