//! Writes JSON: the body of an error, and the strings of the log.

use alloc::string::String;
use core::fmt;
use core::fmt::Write as _;

/// The body of `/error` and `/init/error`: `{errorMessage, errorType, stackTrace}`. `stack_trace`
/// is lines, each ended by a line feed.
pub fn error_body(error_type: &[u8], message: &[u8], stack_trace: &[u8]) -> String {
    let mut body = String::with_capacity(96 + message.len() + stack_trace.len());
    // Writing to a String cannot fail.
    let _ = body.write_char('{');
    let _ = write_error(&mut body, error_type, message, stack_trace);
    body
}

/// Writes the fields of an error, and the end of their object.
pub(crate) fn write_error(
    to: &mut dyn fmt::Write,
    error_type: &[u8],
    message: &[u8],
    stack_trace: &[u8],
) -> fmt::Result {
    to.write_str("\"errorMessage\":")?;
    write_string(to, message)?;
    to.write_str(",\"errorType\":")?;
    write_string(to, error_type)?;
    to.write_str(",\"stackTrace\":[")?;
    let lines = stack_trace.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    for (index, line) in lines.enumerate() {
        if index > 0 {
            to.write_char(',')?;
        }
        write_string(to, line)?;
    }
    to.write_str("]}")
}

/// Writes a JSON string. Invalid UTF-8 is replaced: parsers would reject it. Does not allocate.
pub fn write_string(to: &mut dyn fmt::Write, text: &[u8]) -> fmt::Result {
    to.write_char('"')?;
    for chunk in text.utf8_chunks() {
        write_escaped(to, chunk.valid())?;
        if !chunk.invalid().is_empty() {
            to.write_char(char::REPLACEMENT_CHARACTER)?;
        }
    }
    to.write_char('"')
}

/// Writes text with escapes; runs of characters that need none are written at once.
fn write_escaped(to: &mut dyn fmt::Write, text: &str) -> fmt::Result {
    let mut written = 0;
    for (index, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' | b'\\' => byte,
            b' '.. => continue,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            _ => b'u',
        };
        to.write_str(text.get(written..index).unwrap_or_default())?;
        to.write_char('\\')?;
        to.write_char(char::from(escape))?;
        if escape == b'u' {
            write!(to, "{:04x}", u32::from(byte))?;
        }
        written = index + 1;
    }
    to.write_str(text.get(written..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_and_lines_become_a_list() {
        let body = error_body(b"Te\"st", b"a\\b\n\x01\xff\xc3\xa9", b"one\ntwo\n");
        let expected = "{\"errorMessage\":\"a\\\\b\\n\\u0001\u{fffd}é\",\
            \"errorType\":\"Te\\\"st\",\"stackTrace\":[\"one\",\"two\"]}";
        assert_eq!(body, expected);
    }
}
