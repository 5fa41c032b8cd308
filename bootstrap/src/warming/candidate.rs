//! The search that every event pays for. An event that holds none of a few strings, and no escape
//! that could spell one, is no ping; the others are parsed.
//!
//! The event is searched for a pair of neighbours that is rare in JSON; the whole string is
//! compared only where the pair occurs.

use pilotlight_host::bytes;

/// Largest ping, in bytes; larger events are not searched. A rule's input is at most 8 KB.
pub const MAX_PING_SIZE: usize = 64 << 10;

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
    let pairs = [needles[0].pair, needles[1].pair, ESCAPE];
    let mut from = 0;
    while let Some(found) = bytes::find_pair(pairs, event, from) {
        if event.get(found) == Some(&b'\\')
            || needles.iter().any(|needle| needle.is_at(event, found))
        {
            return true;
        }
        from = found + 1;
    }
    false
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
