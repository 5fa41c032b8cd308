//! Writes the one JSON document that the bootstrap sends: an error.

use alloc::string::String;
use core::fmt::Write as _;

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

/// A JSON string; what is not UTF-8 is replaced, as the server would otherwise refuse the whole.
fn push_string(body: &mut String, text: &[u8]) {
    body.push('"');
    for character in String::from_utf8_lossy(text).chars() {
        match character {
            '"' => body.push_str("\\\""),
            '\\' => body.push_str("\\\\"),
            '\n' => body.push_str("\\n"),
            '\r' => body.push_str("\\r"),
            '\t' => body.push_str("\\t"),
            control if control < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(body, "\\u{:04x}", u32::from(control));
            }
            other => body.push(other),
        }
    }
    body.push('"');
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
