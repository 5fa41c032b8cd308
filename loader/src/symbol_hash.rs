//! The hash by which an undefined symbol is looked up among what the process provides.

/// What the hash of every name begins with.
pub const START: u64 = 0xcbf2_9ce4_8422_2325;

/// One step of FNV-1a in its 64-bit form. Two names with one hash are one name to the loader:
/// `build.rs` refuses them in the list of exports, and a name from elsewhere that happens to hit one
/// of some 500 hashes in 2⁶⁴ has no maker.
pub const fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(0x100_0000_01b3)
}

/// The hash of a whole name.
pub fn symbol_hash(name: &[u8]) -> u64 {
    name.iter().fold(START, |hash, &byte| step(hash, byte))
}
