//! Base64 without allocation, for the error in the trailers of a streamed response.
//!
//! Source: RFC 4648, section 4 (with padding).

use core::fmt;
use core::fmt::Write;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes the encoded form of `bytes`.
pub fn write(text: &mut dyn Write, bytes: &[u8]) -> fmt::Result {
    for group in bytes.chunks(3) {
        let byte = |index| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let digit = (bits >> (18 - 6 * index)) & 63;
            let digit = usize::try_from(digit).map_or(b'A', |digit| ALPHABET[digit]);
            text.write_char(if index <= group.len() { char::from(digit) } else { '=' })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    #[test]
    fn the_examples_of_the_rfc() {
        let encoded = |bytes: &str| {
            let mut text = String::new();
            write(&mut text, bytes.as_bytes()).expect("a String");
            text
        };
        assert_eq!(encoded(""), "");
        assert_eq!(encoded("f"), "Zg==");
        assert_eq!(encoded("fo"), "Zm8=");
        assert_eq!(encoded("foo"), "Zm9v");
        assert_eq!(encoded("foobar"), "Zm9vYmFy");
        assert_eq!(encoded("\u{7f}\u{3ff}"), "f8+/");
    }
}
