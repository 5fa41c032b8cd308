//! The look that every event pays for: which of them might be pings. An event that holds none of a few
//! strings, and no escape that could spell one, is ordinary; the others are read closely.
//!
//! Sixteen bytes are looked at at once, for two neighbours that are rare in JSON; only where they stand
//! together is the whole string compared.

use core::arch::x86_64::__m128i;
use core::arch::x86_64::_mm_and_si128;
use core::arch::x86_64::_mm_cmpeq_epi8;
use core::arch::x86_64::_mm_loadu_si128;
use core::arch::x86_64::_mm_movemask_epi8;
use core::arch::x86_64::_mm_or_si128;
use core::arch::x86_64::_mm_set1_epi8;

/// No ping is larger: what a rule may hold is 8 KB. Others need not be searched.
pub const MAX_PING_SIZE: usize = 64 << 10;

/// Bytes that are looked at for one block: sixteen pairs.
const BLOCK: usize = 17;

/// A JSON string to be searched for, as it is written without escapes.
#[derive(Clone, Copy, Debug)]
pub struct Needle {
    text: &'static [u8],
    /// Two neighbours in it that are rare in JSON, and how far behind its quote they are.
    pair: [u8; 2],
    offset: usize,
}

impl Needle {
    /// A string that is found by the two characters at `offset`.
    pub const fn new(text: &'static [u8], offset: usize) -> Needle {
        Needle { text, pair: [text[offset], text[offset + 1]], offset: offset + 1 }
    }

    /// A string that is found by its quote and its first character.
    pub fn by_its_start(text: &'static [u8]) -> Needle {
        Needle { text, pair: [b'"', text.first().copied().unwrap_or(b'"')], offset: 0 }
    }

    /// Whether the string is where its pair was found.
    fn is_at(&self, event: &[u8], offset: usize) -> bool {
        let start = offset.wrapping_sub(self.offset);
        event.get(start) == Some(&b'"')
            && event.get(start + 1..).is_some_and(|found| found.starts_with(self.text))
    }
}

/// Whether one of the strings may be in the event, as it is or with an escape that spells one of its
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
        // SAFETY: every x86-64 has SSE2, and `last` was calculated so.
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

/// Where one of the pairs stands next, from `offset` on. `last` is where the last block begins, which
/// overlaps the one before.
///
/// # Safety
/// There is SSE2, and `last + 17` is the length of the event.
#[target_feature(enable = "sse2")]
unsafe fn next_pair(
    pairs: [[u8; 2]; 3],
    event: &[u8],
    last: usize,
    offset: usize,
) -> Option<usize> {
    let [a, b, c] = pairs.map(|pair| pair.map(|byte| _mm_set1_epi8(byte.cast_signed())));
    let mut block = offset.min(last);
    // What the first block holds in front of `offset` has been seen.
    let mut unseen = u32::MAX << (offset - block);
    loop {
        let address: *const __m128i = event.as_ptr().wrapping_add(block).cast();
        // SAFETY: `block` is at most `last`, so that 17 bytes are there.
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
    fn a_string_is_found_wherever_it_stands() {
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
