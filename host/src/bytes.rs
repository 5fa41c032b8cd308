//! Finding bytes, sixteen at a time, and comparing names.

use crate::arch::Block;
use crate::arch::Matches;

/// The index of a byte's first occurrence. Compares sixteen bytes at once. musl's `memchr` compares
/// eight, after single bytes up to an aligned address, which is a good part of a header's line.
pub fn find(bytes: &[u8], needle: u8) -> Option<usize> {
    let needles = Block::all(needle);
    let (blocks, rest) = bytes.as_chunks::<16>();
    for (index, block) in blocks.iter().enumerate() {
        if let Some(found) = Block::new(block).equal(needles).matches().first() {
            return Some(index * 16 + found);
        }
    }
    let index = rest.iter().position(|&byte| byte == needle)?;
    Some(bytes.len() - rest.len() + index)
}

/// Bytes of sixteen pairs, the fewest that [`find_pair`] searches.
const MIN_SIZE: usize = 17;

/// The index of the first occurrence of one of three pairs of neighbours, from index `from` on.
pub fn find_pair(pairs: [[u8; 2]; 3], bytes: &[u8], from: usize) -> Option<usize> {
    let mut padded = [0; MIN_SIZE];
    let bytes = match padded.get_mut(..bytes.len()) {
        Some(short) => {
            short.copy_from_slice(bytes);
            &padded
        }
        None => bytes,
    };
    let pair = |[first, second]: [u8; 2]| [Block::all(first), Block::all(second)];
    let pairs = [pair(pairs[0]), pair(pairs[1]), pair(pairs[2])];
    let (here, _) = bytes.get(from..)?.as_chunks::<16>();
    let (next, _) = bytes.get(from + 1..)?.as_chunks::<16>();
    for (index, (here, next)) in here.iter().zip(next).enumerate() {
        if let Some(found) = hits(&pairs, here, next).first() {
            return Some(from + index * 16 + found);
        }
    }
    // The last sixteen pairs, some of which the loop may have searched, or lie before `from`.
    let last = bytes.len() - MIN_SIZE;
    let found = hits(&pairs, bytes[last..].first_chunk()?, bytes.last_chunk()?);
    found.from(from.saturating_sub(last)).first().map(|found| last + found)
}

/// The indices of the pairs, of which `here` holds the first bytes and `next` the second.
#[inline]
fn hits(pairs: &[[Block; 2]; 3], here: &[u8; 16], next: &[u8; 16]) -> Matches {
    let (here, next) = (Block::new(here), Block::new(next));
    let hits = |pair: [Block; 2]| here.equal(pair[0]).and(next.equal(pair[1]));
    hits(pairs[0]).or(hits(pairs[1])).or(hits(pairs[2])).matches()
}

/// Whether the two are equal, apart from the case of ASCII letters. The standard library's function
/// is faster for long strings, and six times as long; these are names.
pub fn equal_ignoring_case(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).all(|(one, other)| one.eq_ignore_ascii_case(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn a_pair_is_found_at_any_index_from_any_other() {
        let pairs = [*b"ab", *b"cd", *b"ef"];
        for length in 0..50 {
            let mut bytes = vec![b'a'; length];
            assert_eq!(find_pair(pairs, &bytes, 0), None);
            for index in 0..length.saturating_sub(1) {
                bytes[index..index + 2].copy_from_slice(&pairs[index % 3]);
                for from in 0..=length {
                    let expected = (from <= index).then_some(index);
                    assert_eq!(find_pair(pairs, &bytes, from), expected, "{length} {index} {from}");
                }
                bytes[index..index + 2].copy_from_slice(b"aa");
            }
        }
    }

    #[test]
    fn names_are_equal_in_any_case() {
        assert!(equal_ignoring_case(b"Content-Length", b"content-length"));
        assert!(equal_ignoring_case(b"", b""));
        for other in [&b"content-lengt"[..], b"content-length:", b"content_length", b"\xe9"] {
            assert!(!equal_ignoring_case(b"content-length", other));
        }
    }

    #[test]
    fn the_first_occurrence_is_found_at_any_index() {
        for other in [b'\t', 0x8a] {
            for length in 0..50 {
                let mut bytes = vec![other; length];
                assert_eq!(find(&bytes, b'\n'), None);
                for index in (0..length).rev() {
                    bytes[index] = b'\n';
                    assert_eq!(find(&bytes, b'\n'), Some(index), "{other} {length}");
                }
            }
        }
    }
}
