//! Conversion of an event's values to numbers, as in JavaScript.

use serde_json::Value;

/// A number, or the number that a string holds: decimal, hexadecimal, octal or binary. None if it
/// is not numeric or not finite.
pub fn of(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => {
            let text = text.trim();
            let radix = |prefix: &str, radix| {
                let digits = text.to_ascii_lowercase().strip_prefix(prefix)?.to_owned();
                u32::from_str_radix(&digits, radix).ok().map(f64::from)
            };
            let decimal = || {
                // Rust also parses words such as `inf`.
                let is_numeric = text.bytes().all(|byte| {
                    byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E')
                });
                text.parse().ok().filter(|_| is_numeric)
            };
            radix("0x", 16)
                .or_else(|| radix("0o", 8))
                .or_else(|| radix("0b", 2))
                .or_else(decimal)?
        }
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// Rounds a non-negative number down; saturates.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
pub fn floor(number: f64) -> u32 {
    number as u32
}
