//! JSON numbers that JavaScript rounds to 0: those below 2^-1075, which is half its smallest
//! number, and 2^-1075 itself, a tie that rounds to even.
//!
//! Sources: ECMA-262, "The Number Type"; IEEE 754, roundTiesToEven.

/// Decimal exponent of 2^-1075, which is 0.247… · 10^-323. Its digits are those of 5^1079 · 2^4,
/// which fill the limbs.
const SCALE: isize = -323;
/// Decimal digits of a limb.
const LIMB_DIGITS: u32 = 9;
const LIMB: u64 = 10u64.pow(LIMB_DIGITS);
const LIMBS: usize = 84;
/// 1079 is 13 · 83.
const FACTOR: u64 = 5u64.pow(13);
const FACTORS: u32 = 83;
/// Larger exponents are cut to this: no event has room for the digits that would offset them.
const MAX_EXPONENT: isize = 1 << 40;

/// Whether a JSON number is 0 in JavaScript.
pub fn is_zero(text: &[u8]) -> bool {
    let (mut first, mut point, mut end) = (0, 0, text.len());
    let (mut power, mut is_small) = (0, false);
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'e' | b'E' => end = at,
            b'-' => is_small = at > 0,
            b'.' => point = at,
            b'0'..=b'9' if at > end => {
                power = (power * 10 + isize::from(byte - b'0')).min(MAX_EXPONENT);
            }
            b'1'..=b'9' if first == 0 => first = at + 1,
            _ => {}
        }
    }
    if first == 0 {
        return true;
    }
    if point == 0 {
        point = end;
    }
    if is_small {
        power = -power;
    }
    // The number is 0.ddd… · 10^scale, and its first digit is not 0. The point is not a digit.
    let scale = point.cast_signed() - first.cast_signed() + 1 + isize::from(point < first) + power;
    scale < SCALE
        || (scale == SCALE && is_at_most_middle(text.get(first - 1..end).unwrap_or_default()))
}

/// Whether these digits, after a point, are at most those of 2^-1075.
fn is_at_most_middle(mantissa: &[u8]) -> bool {
    // The first limb is the least significant one.
    let mut middle = [0u64; LIMBS];
    middle[0] = 16;
    for _ in 0..FACTORS {
        let mut carry = 0;
        for limb in &mut middle {
            carry += *limb * FACTOR;
            *limb = carry % LIMB;
            carry /= LIMB;
        }
    }
    let mut bytes = mantissa.iter().filter(|&&byte| byte != b'.');
    for &limb in middle.iter().rev() {
        let mut value = 0;
        for _ in 0..LIMB_DIGITS {
            value = value * 10 + u64::from(bytes.next().unwrap_or(&b'0') - b'0');
        }
        if value != limb {
            return value < limb;
        }
    }
    bytes.all(|&byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;
    use alloc::string::ToString as _;
    use alloc::vec;
    use alloc::vec::Vec;

    /// 5^1075: the digits of 2^-1075, which itself is 0 in JavaScript.
    fn middle() -> String {
        let mut digits = vec![1];
        for _ in 0..1075 {
            let mut carry = 0;
            for digit in &mut digits {
                carry += *digit * 5;
                *digit = carry % 10;
                carry /= 10;
            }
            if carry > 0 {
                digits.push(carry);
            }
        }
        digits.iter().rev().map(u32::to_string).collect()
    }

    #[test]
    fn numbers_around_the_middle_are_told_apart() {
        let middle = middle();
        assert_eq!(middle.len(), 752);
        let (start, last) = middle.split_at(751);
        assert_eq!(last, "5");
        let more = format!("{middle}0000000000000000000000001");
        let digits = [
            (middle.clone(), true),
            (format!("{middle}000"), true),
            (format!("{start}4"), true),
            (format!("{start}49999999999999999999999"), true),
            (start.to_string(), true),
            (middle[..19].to_string(), true),
            ("247032822920623272".to_string(), true),
            ("2".to_string(), true),
            ("24".to_string(), true),
            (format!("{start}6"), false),
            (format!("{start}50000000001"), false),
            (more, false),
            ("247032822920623273".to_string(), false),
            ("25".to_string(), false),
            ("3".to_string(), false),
            ("9".to_string(), false),
        ];
        for (digits, is_zero_there) in &digits {
            for text in spellings(digits) {
                let value: f64 = text.parse().expect("a number");
                assert_eq!(value == 0.0, *is_zero_there, "{text}");
                assert_eq!(is_zero(text.as_bytes()), *is_zero_there, "{text}");
            }
        }
    }

    /// Several spellings of the number 0.digits · 10^-323.
    fn spellings(digits: &str) -> Vec<String> {
        let (first, rest) = digits.split_at(1);
        let zeros = "0".repeat(323);
        vec![
            format!("0.{digits}e-323"),
            format!("-0.{digits}E-0323"),
            format!("{digits}e-{}", 323 + digits.len()),
            format!("{digits}.000e-{}", 323 + digits.len()),
            format!("{first}.{rest}0e-324"),
            format!("0.{zeros}{digits}"),
            format!("0.{zeros}{zeros}{digits}e+323"),
            format!("{digits}{zeros}e-{}", 646 + digits.len()),
        ]
    }

    #[test]
    fn exponents_may_be_of_any_length() {
        for zero in [
            "0",
            "-0",
            "0.000",
            "0e99",
            "1e-400",
            "-1E-324",
            "9.9e-99999999999999999999999",
            "123456789e-9223372036854775808",
            "0.1e-18446744073709551616",
        ] {
            assert!(is_zero(zero.as_bytes()), "{zero}");
        }
        for other in [
            "1",
            "-0.5",
            "1e-323",
            "5e-324",
            "10e-3",
            "1e999",
            "0.1e99999999999999999999999",
            "1e+400",
            "0.001e-300",
            "1e-0000000000000000000000000000001",
        ] {
            assert!(!is_zero(other.as_bytes()), "{other}");
        }
    }
}
