//! Writes JSON: the body of an error, and the strings of the log.

use alloc::string::String;
use core::fmt;

use crate::invocation::HandlerError;

/// The body of `/error` and `/init/error`: `{errorMessage, errorType, stackTrace}`.
pub fn error_body(error: &HandlerError) -> String {
    let mut body = String::with_capacity(96 + error.message.len() + error.stack_trace.len());
    body.push_str("{\"errorMessage\":");
    push_string(&mut body, error.message);
    body.push_str(",\"errorType\":");
    push_string(&mut body, error.error_type);
    body.push_str(",\"stackTrace\":[");
    let lines = error.stack_trace.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    for (index, line) in lines.enumerate() {
        if index > 0 {
            body.push(',');
        }
        push_string(&mut body, line);
    }
    body.push_str("]}");
    body
}

fn push_string(body: &mut String, text: &[u8]) {
    // Writing to a String cannot fail.
    let _ = write_string(body, text);
}

/// Writes a JSON string; what is not UTF-8 is replaced, as a reader would otherwise refuse the whole.
/// Does not allocate.
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

/// What stands for itself is written in one go.
fn write_escaped(to: &mut dyn fmt::Write, text: &str) -> fmt::Result {
    let mut written = 0;
    for (place, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' | b'\\' => byte,
            b' '.. => continue,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            _ => b'u',
        };
        to.write_str(text.get(written..place).unwrap_or_default())?;
        to.write_char('\\')?;
        to.write_char(char::from(escape))?;
        if escape == b'u' {
            write!(to, "{:04x}", u32::from(byte))?;
        }
        written = place + 1;
    }
    to.write_str(text.get(written..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_and_lines_become_a_list() {
        let error = HandlerError {
            error_type: b"Te\"st",
            message: b"a\\b\n\x01\xff\xc3\xa9",
            stack_trace: b"one\ntwo\n",
        };
        let expected = "{\"errorMessage\":\"a\\\\b\\n\\u0001\u{fffd}é\",\
            \"errorType\":\"Te\\\"st\",\"stackTrace\":[\"one\",\"two\"]}";
        assert_eq!(error_body(&error), expected);
    }
}
