//! What the runtime provides to libraries: the lists of C symbols, the libraries that they stand for
//! and the room for thread-locals. `build.rs` and `layer/libc/build.sh` link what the lists name, so
//! that they cannot say more than there is.

use core::ops::Range;

use super::elf::TlsTemplate;

/// The symbols of the bootstrap itself.
pub const BOOTSTRAP: &str = include_str!("../../bootstrap/src/libc/exports.txt");

/// The symbols that the layer's `pilotlight/libc.so` adds.
pub const MODULE: &str = include_str!("../../layer/libc/module_exports.txt");

/// The shared libraries whose symbols these are, without version and suffix.
pub const LIBRARIES: [&str; 7] =
    ["libc", "libm", "libpthread", "libdl", "librt", "libgcc_s", "ld-linux-x86-64"];

/// Whether the symbols of a library of this name are provided.
pub fn has_library(name: &[u8]) -> bool {
    let stem = name.windows(3).position(|part| part == b".so").unwrap_or(name.len());
    LIBRARIES.iter().any(|library| library.as_bytes() == &name[..stem])
}

/// Bytes in each thread's static block for the thread-locals of all libraries.
pub const TLS_RESERVE: u64 = 16384;

/// Most libraries with thread-locals in one process: a handler and the layer's modules.
pub const MAX_TLS_LIBRARIES: usize = 8;

/// How that block is aligned.
pub const TLS_ALIGN: u64 = 64;

/// Which bytes of the block a library gets, of which `used` are taken. Err is how many are left
/// where its thread-locals do not fit, or would not be aligned.
pub fn tls_place(used: u64, template: &TlsTemplate) -> Result<Range<u64>, u64> {
    let left = TLS_RESERVE - used;
    if template.align > TLS_ALIGN {
        return Err(left);
    }
    // The compiler aligned each thread-local relative to the template's own address.
    let skew = template.address % template.align;
    let start = used.next_multiple_of(template.align) + skew;
    let end = start.checked_add(template.memory_size).filter(|&end| end <= TLS_RESERVE);
    Ok(start..end.ok_or(left)?)
}

/// The entries of a list: each symbol's name, and what it is called where it is defined.
pub fn entries(list: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = list.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with("version "))
        .map(|line| line.split_once(" = ").unwrap_or((line, line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_name_and_perhaps_what_it_is_here() {
        let found = |wanted| entries(BOOTSTRAP).find(|(name, _)| *name == wanted);
        assert_eq!(found("malloc"), Some(("malloc", "malloc")));
        assert_eq!(found("open64"), Some(("open64", "open")));
        assert_eq!(found("version"), None);
        assert!(entries(MODULE).all(|(name, target)| !name.contains(' ') && !target.contains(' ')));
    }
}
