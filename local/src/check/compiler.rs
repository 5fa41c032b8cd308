//! The compiler's traces in a library.

/// Rust's compiler names itself in each object.
const RUST: &[u8] = b"rustc version ";
/// The name and the options of GNU's C and C++ compilers, in debug information.
const GNU_C: &[u8] = b"\0GNU C";
/// The message of checks that Rust leaves out without debug assertions.
const DEBUG_ASSERTION: &[u8] = b"unsafe precondition(s) violated: ";
/// Linkers that pack relocations and take an address; they name themselves.
const LINKERS: [&[u8]; 2] = [b"Linker: LLD ", b"mold "];

/// Whether a part of the library was written in Rust.
pub fn is_rust(file: &[u8]) -> bool {
    has(file, RUST)
}

/// Whether the linker was one that packs relocations and takes an address.
pub fn has_modern_linker(file: &[u8]) -> bool {
    LINKERS.iter().any(|linker| has(file, linker))
}

/// Whether it was built for debugging: Rust with debug assertions, or C that debug information
/// says was compiled without optimisation. Other builds without optimisation leave no trace.
pub fn is_debug_build(file: &[u8]) -> bool {
    has(file, DEBUG_ASSERTION) || is_unoptimised(file)
}

fn is_unoptimised(file: &[u8]) -> bool {
    let mut options = places(file, GNU_C).map(|start| {
        let text = &file[start + 1..];
        &text[..text.iter().position(|&byte| byte == 0).unwrap_or(text.len())]
    });
    let is_optimised = |options: &[u8]| {
        let mut level = options.windows(4).filter_map(|part| part.strip_prefix(b" -O"));
        level.next_back().is_some_and(|level| level != b"0")
    };
    options.next().is_some_and(|first| !is_optimised(first) && !options.any(is_optimised))
}

fn has(file: &[u8], words: &[u8]) -> bool {
    places(file, words).next().is_some()
}

fn places<'a>(file: &'a [u8], words: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let starts = file.windows(words.len()).enumerate();
    starts.filter(move |(_, part)| *part == words).map(|(start, _)| start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_is_unoptimised_if_all_of_it_is() {
        let without = b"\0GNU C17 12.2.0 -march=x86-64 -g -fPIC\0";
        assert!(is_debug_build(without));
        assert!(is_debug_build(b"\0GNU C++17 12.2.0 -O2 -g -O0 -fPIC\0"));
        assert!(!is_debug_build(b"\0GNU C17 12.2.0 -g -O2\0"));
        assert!(!is_debug_build(b"\0GNU AS 2.40\0"));
        let mixed = [&without[..], b"\0GNU C17 12.2.0 -g -Os -fPIC\0"].concat();
        assert!(!is_debug_build(&mixed));
    }
}
