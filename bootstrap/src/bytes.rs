//! Search in bytes.

use core::arch::x86_64::_mm_cmpeq_epi8;
use core::arch::x86_64::_mm_movemask_epi8;
use core::arch::x86_64::_mm_set_epi64x;
use core::arch::x86_64::_mm_set1_epi8;

/// Where a byte is first found. Sixteen are looked at at once; musl's `memchr` looks at eight, and at
/// each by itself up to an aligned one, which is a good part of a header's line.
pub fn find(bytes: &[u8], wanted: u8) -> Option<usize> {
    // SAFETY: every x86-64 has SSE2.
    unsafe { find_in_blocks(bytes, wanted) }
}

#[target_feature(enable = "sse2")]
fn find_in_blocks(bytes: &[u8], wanted: u8) -> Option<usize> {
    let wanted_ones = _mm_set1_epi8(wanted.cast_signed());
    let (blocks, rest) = bytes.as_chunks::<16>();
    for (index, block) in blocks.iter().enumerate() {
        let low = i64::from_ne_bytes(*block.first_chunk()?);
        let high = i64::from_ne_bytes(*block.last_chunk()?);
        let found = _mm_cmpeq_epi8(_mm_set_epi64x(high, low), wanted_ones);
        let mask = _mm_movemask_epi8(found);
        if mask != 0 {
            return Some(index * 16 + mask.trailing_zeros() as usize);
        }
    }
    let place = rest.iter().position(|&byte| byte == wanted)?;
    Some(bytes.len() - rest.len() + place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn the_first_is_found_wherever_it_stands() {
        for other in [b'\t', 0x8a] {
            for length in 0..50 {
                let mut bytes = vec![other; length];
                assert_eq!(find(&bytes, b'\n'), None);
                for place in (0..length).rev() {
                    bytes[place] = b'\n';
                    assert_eq!(find(&bytes, b'\n'), Some(place), "{other} {length}");
                }
            }
        }
    }
}
