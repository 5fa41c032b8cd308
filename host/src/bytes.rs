//! Finding bytes, sixteen at a time, and comparing names.

use core::arch::x86_64::__m128i;
use core::arch::x86_64::_mm_and_si128;
use core::arch::x86_64::_mm_cmpeq_epi8;
use core::arch::x86_64::_mm_loadu_si128;
use core::arch::x86_64::_mm_movemask_epi8;
use core::arch::x86_64::_mm_or_si128;
use core::arch::x86_64::_mm_set_epi64x;
use core::arch::x86_64::_mm_set1_epi8;

/// The index of a byte's first occurrence. Compares sixteen bytes at once. musl's `memchr` compares
/// eight, after single bytes up to an aligned address, which is a good part of a header's line.
pub fn find(bytes: &[u8], needle: u8) -> Option<usize> {
    // SAFETY: every x86-64 has SSE2.
    unsafe { find_in_blocks(bytes, needle) }
}

#[target_feature(enable = "sse2")]
fn find_in_blocks(bytes: &[u8], needle: u8) -> Option<usize> {
    let needles = _mm_set1_epi8(needle.cast_signed());
    let (blocks, rest) = bytes.as_chunks::<16>();
    for (index, block) in blocks.iter().enumerate() {
        let low = i64::from_ne_bytes(*block.first_chunk()?);
        let high = i64::from_ne_bytes(*block.last_chunk()?);
        let found = _mm_cmpeq_epi8(_mm_set_epi64x(high, low), needles);
        let mask = _mm_movemask_epi8(found);
        if mask != 0 {
            return Some(index * 16 + mask.trailing_zeros() as usize);
        }
    }
    let index = rest.iter().position(|&byte| byte == needle)?;
    Some(bytes.len() - rest.len() + index)
}

/// Bytes that [`find_pair`] reads for one block: sixteen pairs.
const BLOCK: usize = 17;

/// The index of the first occurrence of one of three pairs of neighbours, from index `from` on.
pub fn find_pair(pairs: [[u8; 2]; 3], bytes: &[u8], from: usize) -> Option<usize> {
    let mut padded = [0; BLOCK];
    let bytes = match padded.get_mut(..bytes.len()) {
        Some(short) => {
            short.copy_from_slice(bytes);
            &padded
        }
        None => bytes,
    };
    let last = bytes.len() - BLOCK;
    if from > last + BLOCK - 2 {
        return None;
    }
    // SAFETY: every x86-64 has SSE2, and `last` is the length less `BLOCK`.
    unsafe { find_pair_in_blocks(pairs, bytes, last, from) }
}

/// `last` is the start of the last block, which may overlap the one before.
///
/// # Safety
/// The CPU has SSE2, and `last + 17` is the length of the bytes.
#[target_feature(enable = "sse2")]
unsafe fn find_pair_in_blocks(
    pairs: [[u8; 2]; 3],
    bytes: &[u8],
    last: usize,
    from: usize,
) -> Option<usize> {
    let [a, b, c] = pairs.map(|pair| pair.map(|byte| _mm_set1_epi8(byte.cast_signed())));
    let mut block = from.min(last);
    // Ignore the part of the first block before `from`.
    let mut unseen = u32::MAX << (from - block);
    loop {
        let address: *const __m128i = bytes.as_ptr().wrapping_add(block).cast();
        // SAFETY: `block` is at most `last`, so 17 bytes can be read there.
        let here = unsafe { _mm_loadu_si128(address) };
        // SAFETY: as above.
        let next = unsafe { _mm_loadu_si128(address.wrapping_byte_add(1)) };
        let hits = |pair: [__m128i; 2]| {
            _mm_and_si128(_mm_cmpeq_epi8(here, pair[0]), _mm_cmpeq_epi8(next, pair[1]))
        };
        let any = _mm_or_si128(_mm_or_si128(hits(a), hits(b)), hits(c));
        let mask = _mm_movemask_epi8(any).cast_unsigned() & unseen;
        if mask != 0 {
            return Some(block + mask.trailing_zeros() as usize);
        }
        if block == last {
            return None;
        }
        block = (block + BLOCK - 1).min(last);
        unseen = u32::MAX;
    }
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
