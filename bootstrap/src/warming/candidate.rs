//! The search that every event pays for. An event that holds none of a few strings, and no escape
//! that could spell one, is no ping; the others are parsed.
//!
//! Sixteen bytes at a time are searched for a pair of neighbours that is rare in JSON; the whole
//! string is compared only where the pair occurs.

use core::arch::x86_64::__m128i;
use core::arch::x86_64::_mm_and_si128;
use core::arch::x86_64::_mm_cmpeq_epi8;
use core::arch::x86_64::_mm_loadu_si128;
use core::arch::x86_64::_mm_movemask_epi8;
use core::arch::x86_64::_mm_or_si128;
use core::arch::x86_64::_mm_set1_epi8;

/// Largest ping, in bytes; larger events are not searched. A rule's input is at most 8 KB.
pub const MAX_PING_SIZE: usize = 64 << 10;

/// Bytes read for one block: sixteen pairs.
const BLOCK: usize = 17;

/// A JSON string to search for, without escapes.
#[derive(Clone, Copy, Debug)]
pub struct Needle {
    text: &'static [u8],
    /// Two neighbours in it that are rare in JSON.
    pair: [u8; 2],
    /// Offset of the pair from the opening quote.
    offset: usize,
}

impl Needle {
    /// Searches for the two characters at `offset` in the text.
    pub const fn new(text: &'static [u8], offset: usize) -> Needle {
        Needle { text, pair: [text[offset], text[offset + 1]], offset: offset + 1 }
    }

    /// Searches for the quote and the first character.
    pub fn by_its_start(text: &'static [u8]) -> Needle {
        Needle { text, pair: [b'"', text.first().copied().unwrap_or(b'"')], offset: 0 }
    }

    /// Whether the string surrounds the pair that was found at `offset` in the event.
    fn is_at(&self, event: &[u8], offset: usize) -> bool {
        let start = offset.wrapping_sub(self.offset);
        event.get(start) == Some(&b'"')
            && event.get(start + 1..).is_some_and(|found| found.starts_with(self.text))
    }
}

/// Whether the event may hold one of the strings: plainly, or with an escape that spells one of its
/// characters.
pub fn any(needles: &[Needle; 2], event: &[u8]) -> bool {
    const ESCAPE: [u8; 2] = *b"\\u";
    let mut padded = [0; BLOCK];
    let event = match padded.get_mut(..event.len()) {
        Some(short) => {
            short.copy_from_slice(event);
            &padded
        }
        None => event,
    };
    let last = event.len() - BLOCK;
    let pairs = [needles[0].pair, needles[1].pair, ESCAPE];
    let mut offset = 0;
    while offset <= last + BLOCK - 2 {
        // SAFETY: every x86-64 has SSE2, and `last` is the event's length less `BLOCK`.
        let Some(found) = (unsafe { next_pair(pairs, event, last, offset) }) else {
            return false;
        };
        if event.get(found) == Some(&b'\\')
            || needles.iter().any(|needle| needle.is_at(event, found))
        {
            return true;
        }
        offset = found + 1;
    }
    false
}

/// Offset of the next pair, from `offset` on. `last` is the start of the last block, which may
/// overlap the one before.
///
/// # Safety
/// The CPU has SSE2, and `last + 17` is the length of the event.
#[target_feature(enable = "sse2")]
unsafe fn next_pair(
    pairs: [[u8; 2]; 3],
    event: &[u8],
    last: usize,
    offset: usize,
) -> Option<usize> {
    let [a, b, c] = pairs.map(|pair| pair.map(|byte| _mm_set1_epi8(byte.cast_signed())));
    let mut block = offset.min(last);
    // Ignore the part of the first block before `offset`: it was searched.
    let mut unseen = u32::MAX << (offset - block);
    loop {
        let address: *const __m128i = event.as_ptr().wrapping_add(block).cast();
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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const NEEDLES: [Needle; 2] = [Needle::new(b"warmer", 2), Needle::new(b"plugin-warmup", 6)];

    #[test]
    fn a_string_is_found_at_any_offset() {
        for length in 0..80usize {
            for text in [&b"\"warmer\""[..], b"\"plugin-warmup\"", b"\\u"] {
                for offset in 0..(length + 1).saturating_sub(text.len()) {
                    let mut event = vec![b'w'; length];
                    event[offset..offset + text.len()].copy_from_slice(text);
                    assert!(any(&NEEDLES, &event), "{length} {offset}");
                    event[offset + 1] = b'-';
                    assert!(!any(&NEEDLES, &event), "{length} {offset}");
                }
            }
        }
    }

    #[test]
    fn a_pair_alone_is_not_enough() {
        assert!(!any(&NEEDLES, br#"{"warm":"w","warme":["-w","wa\"rmer","a warmer"]}"#));
        assert!(!any(&NEEDLES, b""));
        assert!(!any(&NEEDLES, br#"{"a":1,"b":[2,3],"c":true}"#));
    }
}
