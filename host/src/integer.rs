//! Reads unsigned integers: digits only, without a sign or spaces.

/// Reads a decimal integer; None if it is empty, malformed or too large.
pub fn parse_decimal(digits: &[u8]) -> Option<usize> {
    parse(digits, 10)
}

/// Reads a hexadecimal integer, in either case; None if it is empty, malformed or too large.
pub fn parse_hex(digits: &[u8]) -> Option<usize> {
    parse(digits, 16)
}

/// Reads an integer in a radix of at most 16.
fn parse(digits: &[u8], radix: u8) -> Option<usize> {
    let mut number = 0usize;
    for &digit in digits {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            other => (other | b' ').checked_sub(b'a')? + 10,
        };
        if digit >= radix {
            return None;
        }
        number = number.checked_mul(radix.into())?.checked_add(digit.into())?;
    }
    (!digits.is_empty()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_digits_of_their_radix() {
        assert_eq!(parse_decimal(b"0120"), Some(120));
        assert_eq!(parse_hex(b"1fA"), Some(0x1fa));
        assert_eq!(parse_decimal(b"18446744073709551615"), Some(usize::MAX));
        for bad in [&b""[..], b"-1", b"+1", b" 1", b"1f", b"18446744073709551616", b"\xff"] {
            assert_eq!(parse_decimal(bad), None);
        }
        assert_eq!(parse_hex(b"1g"), None);
    }
}
