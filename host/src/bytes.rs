//! Finding a byte, and comparing names.

use core::arch::x86_64::_mm_cmpeq_epi8;
use core::arch::x86_64::_mm_movemask_epi8;
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
