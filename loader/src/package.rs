//! The table of a bootstrap that carries its libraries: one file is then the whole function.
//!
//! The table stands directly after the bootstrap's program headers, so it is in memory as soon as
//! the kernel has started the program. A bootstrap without libraries has [`EMPTY`] there;
//! `pilotlight build` appends the libraries, each from a page boundary on, and fills the table.
//!
//! Little-endian words: [`MAGIC`], the checksum of all that follows, the size of the file, then
//! offset and size of the handler's library, of `libc.so` and of `services.so`, both 0 for a
//! library that is not there.

use super::elf::page_ceil;
use super::error::Defect;

/// Words of the table.
pub const WORDS: usize = 9;

/// The first word. Another version of the table gets another.
pub const MAGIC: u64 = u64::from_le_bytes(*b"PILOTLT1");

/// The table of a bootstrap that carries nothing.
pub const EMPTY: [u64; WORDS] = [MAGIC, 0, 0, 0, 0, 0, 0, 0, 0];

/// A library's bytes in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Offset of the first byte: a multiple of the page size.
    pub offset: u64,
    /// Number of bytes.
    pub size: u64,
}

/// The libraries that a bootstrap carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package {
    /// The handler's library.
    pub handler: Part,
    /// The rest of the C library.
    pub libc: Option<Part>,
    /// The module that talks to AWS.
    pub services: Option<Part>,
}

impl Package {
    /// Lays out libraries of these sizes in bytes, after a bootstrap of `bootstrap` bytes.
    pub fn lay_out(bootstrap: u64, handler: u64, libc: Option<u64>, services: Option<u64>) -> Self {
        let mut end = bootstrap;
        let mut append = |size: u64| {
            let part = Part { offset: page_ceil(end), size };
            end = part.offset + size;
            part
        };
        // In this order, because the kernel reads ahead.
        let handler = append(handler);
        let libc = libc.map(&mut append);
        Package { handler, libc, services: services.map(append) }
    }

    /// Bytes of the whole file.
    pub fn file_size(&self) -> u64 {
        let parts = [Some(self.handler), self.libc, self.services];
        parts.into_iter().flatten().map(|part| part.offset + part.size).max().unwrap_or(0)
    }

    /// The table that describes it.
    pub fn table(&self) -> [u64; WORDS] {
        let [handler, libc, services] = [Some(self.handler), self.libc, self.services]
            .map(|part| part.unwrap_or(Part { offset: 0, size: 0 }));
        let mut table = [
            MAGIC,
            0,
            self.file_size(),
            handler.offset,
            handler.size,
            libc.offset,
            libc.size,
            services.offset,
            services.size,
        ];
        table[1] = checksum(&table[2..]);
        table
    }

    /// Reads a table; None if the bootstrap carries nothing.
    pub fn parse(table: &[u64; WORDS]) -> Result<Option<Package>, Defect> {
        if *table == EMPTY {
            return Ok(None);
        }
        let [magic, sum, _, parts @ ..] = table;
        let parts = parts.as_chunks::<2>().0;
        let [handler, libc, services] = parts else {
            return Err(Defect::BadPackage);
        };
        let part = |&[offset, size]: &[u64; 2]| (size > 0).then_some(Part { offset, size });
        match part(handler) {
            Some(handler) if *magic == MAGIC && *sum == checksum(&table[2..]) => {
                Ok(Some(Package { handler, libc: part(libc), services: part(services) }))
            }
            _ => Err(Defect::BadPackage),
        }
    }
}

/// FNV-1a with words in place of bytes. It finds damage, and does not resist forgery.
fn checksum(words: &[u64]) -> u64 {
    words
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, word| (hash ^ word).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_as_it_was_written() {
        for (libc, services) in [(None, None), (Some(1), None), (None, Some(9)), (Some(1), Some(9))]
        {
            let package = Package::lay_out(0x3ea00, 0x59000, libc, services);
            assert_eq!(Package::parse(&package.table()), Ok(Some(package)));
        }
        assert_eq!(Package::parse(&EMPTY), Ok(None));
    }

    #[test]
    fn libraries_begin_on_pages_of_their_own() {
        let package = Package::lay_out(0x3ea01, 0x59001, Some(0x1000), Some(7));
        assert_eq!(package.handler, Part { offset: 0x3f000, size: 0x59001 });
        assert_eq!(package.libc, Some(Part { offset: 0x99000, size: 0x1000 }));
        assert_eq!(package.services, Some(Part { offset: 0x9a000, size: 7 }));
        assert_eq!(package.file_size(), 0x9a007);
    }

    #[test]
    fn every_changed_bit_is_found() {
        let full = Package::lay_out(0x3ea00, 0x59000, Some(5), None).table();
        for (table, index) in
            [full, EMPTY].iter().flat_map(|table| (0..WORDS).map(move |index| (table, index)))
        {
            for bit in 0..64 {
                let mut damaged = *table;
                damaged[index] ^= 1 << bit;
                assert_eq!(Package::parse(&damaged), Err(Defect::BadPackage), "word {index}");
            }
        }
    }
}
