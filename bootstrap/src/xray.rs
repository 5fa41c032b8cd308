//! A failure's cause for X-Ray: the header `Lambda-Runtime-Function-XRay-Error-Cause`.
//!
//! Source: AWS's emulator, `rapi/model/error_cause.go`: one object with `working_directory`,
//! `paths` and `exceptions`; dropped if it is not JSON, cut at 64 KiB. As a header's value, it is
//! ASCII on one line.

use alloc::string::String;
use core::fmt::Write as _;

use pilotlight_host::integer;

use crate::invocation::HandlerError;

/// Limit of each string in the header, in bytes as written. With [`MAX_FRAMES`], far below 64 KiB.
const MAX_TEXT: usize = 8 << 10;
/// Limit of all frames together, in bytes as written.
const MAX_FRAMES: usize = 32 << 10;

/// The header's value.
pub fn cause(error: &HandlerError, working_directory: &[u8]) -> String {
    let mut json = String::from("{\"working_directory\":");
    push_string(&mut json, working_directory);
    json.push_str(",\"paths\":[],\"exceptions\":[{\"message\":");
    push_string(&mut json, error.message);
    json.push_str(",\"type\":");
    push_string(&mut json, error.error_type);
    json.push_str(",\"stack\":[");
    let start = json.len();
    let frames = Frames { lines: error.stack_trace };
    for frame in frames {
        if json.len() - start > MAX_FRAMES {
            break;
        }
        json.push_str(if json.len() == start { "{" } else { ",{" });
        frame.push(&mut json);
        json.push('}');
    }
    json.push_str("]}]}");
    json
}

/// A frame of a stack trace: the function and its source location.
#[derive(Debug, Default, PartialEq, Eq)]
struct Frame<'a> {
    label: &'a [u8],
    path: &'a [u8],
    line: usize,
}

impl Frame<'_> {
    fn push(&self, json: &mut String) {
        json.push_str("\"label\":");
        push_string(json, self.label);
        if !self.path.is_empty() {
            json.push_str(",\"path\":");
            push_string(json, self.path);
            // Writing to a String cannot fail.
            let _ = write!(json, ",\"line\":{}", self.line);
        }
    }
}

/// The frames of a backtrace in Rust's format (`3: name`, then perhaps `at file:line:column`). Each
/// line in another format is the label of a frame.
struct Frames<'a> {
    lines: &'a [u8],
}

impl<'a> Frames<'a> {
    fn next_line(&mut self) -> Option<&'a [u8]> {
        if self.lines.is_empty() {
            return None;
        }
        let end = self.lines.iter().position(|&byte| byte == b'\n').unwrap_or(self.lines.len());
        let line = self.lines[..end].trim_ascii();
        self.lines = self.lines.get(end + 1..).unwrap_or_default();
        Some(line)
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let line = self.next_line()?;
        if let Some(frame) = location(line) {
            return Some(frame);
        }
        let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let label = match line[digits..].strip_prefix(b": ") {
            Some(label) if digits > 0 => label,
            _ => line,
        };
        let rest = self.lines;
        let at = self.next_line().and_then(|line| location(line.strip_prefix(b"at ")?));
        match at {
            Some(frame) => Some(Frame { label, ..frame }),
            None => {
                self.lines = rest;
                Some(Frame { label, ..Frame::default() })
            }
        }
    }
}

/// Parses `file:line:column`.
fn location(text: &[u8]) -> Option<Frame<'_>> {
    let column = text.iter().rposition(|&byte| byte == b':')?;
    let line = text[..column].iter().rposition(|&byte| byte == b':')?;
    integer::parse_decimal(&text[column + 1..])?;
    let number = integer::parse_decimal(&text[line + 1..column])?;
    Some(Frame { label: b"", path: &text[..line], line: number })
}

/// Appends a JSON string in ASCII, cut to [`MAX_TEXT`].
fn push_string(json: &mut String, text: &[u8]) {
    let start = json.len();
    json.push('"');
    for character in String::from_utf8_lossy(text).chars() {
        if json.len() - start > MAX_TEXT {
            break;
        }
        match character {
            '"' | '\\' => {
                json.push('\\');
                json.push(character);
            }
            ' '..='~' => json.push(character),
            other => {
                for &mut unit in other.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(json, "\\u{unit:04x}");
                }
            }
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    fn error<'a>(message: &'a str, stack_trace: &'a str) -> HandlerError<'a> {
        let (message, stack_trace) = (message.as_bytes(), stack_trace.as_bytes());
        HandlerError { error_type: b"Panic", message, stack_trace, is_logged: false }
    }

    #[test]
    fn a_cause_is_ascii_json_on_one_line() {
        let cause = cause(&error("\u{e4} \"\u{1f600}\"\r\nX: y", "src/lib.rs:3:5\n"), b"/var/task");
        let expected = "{\"working_directory\":\"/var/task\",\"paths\":[],\"exceptions\":[{\
            \"message\":\"\\u00e4 \\\"\\ud83d\\ude00\\\"\\u000d\\u000aX: y\",\"type\":\"Panic\",\
            \"stack\":[{\"label\":\"\",\"path\":\"src/lib.rs\",\"line\":3}]}]}";
        assert_eq!(cause, expected);
    }

    #[test]
    fn frames_are_those_of_a_backtrace() {
        let text =
            b"   0: std::panicking\n             at /rustc/x.rs:9:1\n   1: own\n  free text\n";
        let frames: Vec<Frame> = Frames { lines: text }.collect();
        let expected = vec![
            Frame { label: b"std::panicking", path: b"/rustc/x.rs", line: 9 },
            Frame { label: b"own", ..Frame::default() },
            Frame { label: b"free text", ..Frame::default() },
        ];
        assert_eq!(frames, expected);
    }

    #[test]
    fn a_cause_of_anything_stays_within_64_kib() {
        let long = "\u{1f600}".repeat(100_000);
        let frames = "a frame\n".repeat(100_000);
        assert!(cause(&error(&long, &frames), long.as_bytes()).len() < 64 << 10);
    }
}
