//! Lookup of a symbol by the file's own hash table.
//!
//! Source: System V gABI chapter 5, "Hash Table"; the GNU hash table as binutils writes it.

use super::elf::u32_at;

/// The hash of `.gnu.hash`.
fn gnu_hash(name: &[u8]) -> u32 {
    name.iter().fold(5381, |hash: u32, &byte| hash.wrapping_mul(33).wrapping_add(byte.into()))
}

/// A 32-bit word of a hash table.
fn word(table: &[u8], index: usize) -> Option<u32> {
    let start = index.checked_mul(4)?;
    table.get(start..start.checked_add(4)?).map(|bytes| u32_at(bytes, 0))
}

/// Finds a name in `.gnu.hash`. `matches` returns the value of a symbol that has the name.
pub fn find_by_gnu_hash(
    table: &[u8],
    name: &[u8],
    matches: impl Fn(u32) -> Option<u64>,
) -> Option<u64> {
    let word = |index| word(table, index);
    let (buckets, first, bloom) = (word(0)?, word(1)?, word(2)?);
    let buckets_at = usize::try_from(bloom).ok()?.checked_mul(2)?.checked_add(4)?;
    let hash = gnu_hash(name);
    let bucket = usize::try_from(hash.checked_rem(buckets)?).ok()?;
    let mut index = word(buckets_at.checked_add(bucket)?)?;
    let chains_at = buckets_at.checked_add(usize::try_from(buckets).ok()?)?;
    loop {
        let chain = usize::try_from(index.checked_sub(first)?).ok()?;
        let entry = word(chains_at.checked_add(chain)?)?;
        if entry | 1 == hash | 1
            && let Some(value) = matches(index)
        {
            return Some(value);
        }
        if entry & 1 != 0 {
            return None;
        }
        index = index.checked_add(1)?;
    }
}

/// As [`find_by_gnu_hash`], in `.hash`.
pub fn find_by_sysv_hash(
    table: &[u8],
    name: &[u8],
    matches: impl Fn(u32) -> Option<u64>,
) -> Option<u64> {
    let word = |index| word(table, index);
    let (buckets, chains) = (word(0)?, word(1)?);
    let bucket = usize::try_from(sysv_hash(name).checked_rem(buckets)?).ok()?;
    let mut index = word(bucket + 2)?;
    // A chain longer than the table is circular.
    for _ in 0..chains {
        if index == 0 {
            return None;
        }
        if let Some(value) = matches(index) {
            return Some(value);
        }
        let chain = usize::try_from(buckets).ok()?.checked_add(usize::try_from(index).ok()?)?;
        index = word(chain.checked_add(2)?)?;
    }
    None
}

fn sysv_hash(name: &[u8]) -> u32 {
    name.iter().fold(0u32, |hash, &byte| {
        let hash = (hash << 4).wrapping_add(u32::from(byte));
        let high = hash & 0xf000_0000;
        (hash ^ (high >> 24)) & !high
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn hashes_are_those_of_the_specifications() {
        // `readelf --histogram -I` and the gABI's own example agree on these values.
        assert_eq!(gnu_hash(b""), 5381);
        assert_eq!(gnu_hash(b"printf"), 0x156b_2bb8);
        assert_eq!(sysv_hash(b"printf"), 0x0779_05a6);
        // Long enough for the bits of its first characters to wrap around.
        assert_eq!(sysv_hash(b"pilotlight_library"), 0x0774_5869);
    }

    #[test]
    fn a_circular_chain_ends() {
        // One bucket, two symbols whose chain entries name each other.
        let words: [u32; 6] = [1, 3, 1, 0, 2, 1];
        let table: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(find_by_sysv_hash(&table, b"x", |_| None), None);
    }

    #[test]
    fn a_hash_table_cut_anywhere_finds_nothing() {
        let words: [u32; 8] = [1, 1, 1, 0, 0, 0, 1, gnu_hash(b"x") | 1];
        let table: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(find_by_gnu_hash(&table, b"x", |index| Some(u64::from(index))), Some(1));
        for end in 0..table.len() {
            assert_eq!(find_by_gnu_hash(&table[..end], b"x", |_| Some(1)), None);
        }
    }

    #[test]
    fn the_lowest_bit_of_a_hash_says_where_its_chain_ends() {
        let names = [&b"x"[..], b"y", b"z", b"w"];
        // One bucket; only the last entry has its lowest bit set, whatever the hashes' own bits
        // are.
        let last = names.len() - 1;
        let entry = |(number, name): (usize, &&[u8])| {
            if number == last { gnu_hash(name) | 1 } else { gnu_hash(name) & !1 }
        };
        let head = [1, 1, 1, 0, 0, 0, 1];
        let words = head.into_iter().chain(names.iter().enumerate().map(entry));
        let table: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
        for (index, name) in (1..).zip(names) {
            let found = |wanted: u32| (wanted == index).then_some(u64::from(index));
            assert_eq!(find_by_gnu_hash(&table, name, found), Some(u64::from(index)));
        }
        assert_eq!(find_by_gnu_hash(&table, b"v", |_| Some(1)), None);
    }
}
