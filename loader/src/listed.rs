//! The runtime as a library would find it, by its lists: for judging without mapping.

use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;

use super::Data;
use super::Provider;
use super::Tables;
use super::TlsPlace;
use super::elf::Parsed;
use super::elf::Segment;
use super::elf::TlsTemplate;
use super::provided;
use super::symbol_hash;

/// Where symbols pretend to be.
const SOMEWHERE: u64 = 0x1000;

/// The bootstrap and the layer's `pilotlight/libc.so`.
#[derive(Debug)]
pub struct Listed {
    bootstrap: BTreeSet<u64>,
    module: BTreeSet<&'static str>,
}

impl Default for Listed {
    fn default() -> Listed {
        let names = |list| provided::entries(list).map(|(name, _)| name);
        let hashed = |name: &'static str| symbol_hash(name.as_bytes());
        Listed {
            bootstrap: names(provided::BOOTSTRAP).map(hashed).collect(),
            module: names(provided::MODULE).collect(),
        }
    }
}

impl Listed {
    /// The bootstrap itself has the symbol.
    pub fn has(&self, name: &str) -> bool {
        self.symbol(symbol_hash(name.as_bytes())).is_some()
    }

    /// `pilotlight/libc.so` has the symbol.
    pub fn can_fetch(&self, name: &str) -> bool {
        self.module.contains(name)
    }
}

impl Provider for Listed {
    fn symbol(&self, hash: u64) -> Option<u64> {
        self.bootstrap.contains(&hash).then_some(SOMEWHERE)
    }

    fn rare_symbol(&self, name: &[u8]) -> Option<u64> {
        let name = str::from_utf8(name).ok()?;
        self.can_fetch(name).then_some(SOMEWHERE)
    }

    fn reserve_tls(&self, template: &TlsTemplate) -> TlsPlace {
        let place = provided::tls_place(0, template);
        TlsPlace { module: 0, thread_pointer_offset: place.map(|place| place.start) }
    }
}

/// The part of the file that a segment begins with; the parser has checked that it is there.
fn content<'a>(segment: &Segment, file: &'a [u8]) -> &'a [u8] {
    let number = |value| usize::try_from(value).unwrap_or(0);
    let (start, size) = (number(segment.offset), number(segment.file_size));
    &file[start..start + size]
}

/// The segments that cannot be written: parts of the file itself.
pub fn tables<'a>(parsed: &Parsed, file: &'a [u8]) -> Tables<'a> {
    let segments = parsed.segments.iter().filter(|segment| !segment.writable);
    Tables::new(segments.map(|segment| (segment.address, content(segment, file))).collect())
}

/// Copies of the writable segments, with their zeros.
#[derive(Debug)]
pub struct Copies(Vec<(u64, Vec<u8>)>);

impl Copies {
    /// Of the segments of this file.
    pub fn of(parsed: &Parsed, file: &[u8]) -> Copies {
        let segments = parsed.segments.iter().filter(|segment| segment.writable);
        let copy = |segment: &Segment| {
            let content = content(segment, file);
            let mut bytes = vec![0; usize::try_from(segment.memory_size).unwrap_or(0)];
            bytes[..content.len()].copy_from_slice(content);
            (segment.address, bytes)
        };
        Copies(segments.map(copy).collect())
    }

    /// Lends them for relocation.
    pub fn data(&mut self) -> Data<'_> {
        let segments = self.0.iter_mut();
        Data::new(segments.map(|(address, bytes)| (*address, bytes.as_mut_slice())).collect())
    }
}
