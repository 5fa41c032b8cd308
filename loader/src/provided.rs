//! The C symbols that a library may link against, and the shared libraries that they stand for.
//!
//! The runtime is checked against these lists: `host/build.rs` and `layer/libc/build.sh` link what
//! they name, and fail if a symbol is absent.

/// The symbols of the bootstrap itself.
pub const BOOTSTRAP: &str = include_str!("provided/exports.txt");

/// The symbols that the layer's `pilotlight/libc.so` adds.
pub const MODULE: &str = include_str!("provided/module_exports.txt");

/// The shared libraries whose symbols these are, without version and suffix. The dynamic linker,
/// [`LINKER`](crate::arch::Machine::LINKER), is one more.
pub const LIBRARIES: [&str; 6] = ["libc", "libm", "libpthread", "libdl", "librt", "libgcc_s"];

/// Whether the runtime provides the symbols of the library of this name.
pub fn has_library(name: &[u8]) -> bool {
    let stem = name.windows(3).position(|part| part == b".so").unwrap_or(name.len());
    LIBRARIES.iter().any(|library| library.as_bytes() == &name[..stem])
}

/// The entries of a list: each symbol's name, and the name of its definition.
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
