//! The function's log. Each record is one line, in text or JSON, and one write.
//!
//! Source: "Configuring advanced logging controls for Lambda functions" in AWS's documentation:
//! `AWS_LAMBDA_LOG_FORMAT` and `AWS_LAMBDA_LOG_LEVEL`, and the fields `timestamp`, `level`,
//! `message` and `requestId` of JSON records. The record of a failed invocation has `errorType`,
//! `errorMessage` and `stackTrace` in place of `message`.

use alloc::string::String;
use core::fmt;
use core::fmt::Write;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering;

use pilotlight_abi::LOG_LEVELS;

use crate::bytes;
use crate::in_flight;
use crate::json;
use crate::sys;
use crate::sys::clock;

/// The default level, as an index of [`LOG_LEVELS`].
const INFO: u32 = 2;
/// The level of warnings, as an index of [`LOG_LEVELS`].
pub const WARN: u32 = 3;
/// The level of errors, as an index of [`LOG_LEVELS`].
const ERROR: u32 = 4;

/// The target of the runtime's own records.
const RUNTIME: &[u8] = b"pilotlight";

static IS_JSON: AtomicBool = AtomicBool::new(false);
/// The configured level plus one. 0 means the default, so that the static stays in .bss.
static LEVEL: AtomicU32 = AtomicU32::new(0);

/// Sets format and level, which may be in any case; the defaults are text and INFO.
pub fn configure(format: Option<&[u8]>, level: Option<&[u8]>) {
    let is_json = format.is_some_and(|format| bytes::equal_ignoring_case(format, b"json"));
    IS_JSON.store(is_json, Ordering::Relaxed);
    let named = |value: &[u8]| {
        (0u32..)
            .zip(LOG_LEVELS)
            .find(|(_, name)| bytes::equal_ignoring_case(value, name.as_bytes()))
    };
    if let Some((level, _)) = level.and_then(named) {
        LEVEL.store(level + 1, Ordering::Relaxed);
    }
}

/// Whether records are JSON.
pub fn is_json() -> bool {
    IS_JSON.load(Ordering::Relaxed)
}

/// The least severe level that is logged.
pub fn level() -> u32 {
    LEVEL.load(Ordering::Relaxed).checked_sub(1).unwrap_or(INFO)
}

/// Logs a warning of the runtime.
pub fn warn(message: fmt::Arguments) {
    record_own(WARN, message);
}

/// Logs an error of the runtime.
pub fn error(message: fmt::Arguments) {
    record_own(ERROR, message);
}

fn record_own(level: u32, message: fmt::Arguments) {
    record(level, Some(RUNTIME), alloc::fmt::format(message).as_bytes());
}

/// Writes a record, unless its level is too low. Invalid UTF-8 is replaced.
pub fn record(level: u32, target: Option<&[u8]>, message: &[u8]) {
    record_with(level, target, message, None);
}

/// Writes the record of a failed invocation: its type, message and stack trace; in JSON, in the
/// fields that Lambda's own runtimes use.
pub fn failure(error_type: &[u8], message: &[u8], stack_trace: &[u8]) {
    record_with(ERROR, Some(error_type), message, Some(stack_trace));
}

/// With a stack trace, the record is of a failed invocation, and `target` is the error's type.
fn record_with(level: u32, target: Option<&[u8]>, message: &[u8], stack_trace: Option<&[u8]>) {
    if level < self::level() {
        return;
    }
    let mut line = String::with_capacity(message.len() + 160);
    // Writing to a String cannot fail.
    let _ = write_line(&mut line, level, target, message, stack_trace);
    sys::log(line.as_bytes());
}

/// Formats a record like [`error`], without writing it. Neither allocates nor locks, so a signal
/// handler may call it.
pub(crate) fn format_error(line: &mut dyn Write, message: &[u8]) -> fmt::Result {
    write_line(line, ERROR, Some(RUNTIME), message, None)
}

/// Formats a record like [`warn`], in the same way.
pub(crate) fn format_warning(line: &mut dyn Write, message: &[u8]) -> fmt::Result {
    write_line(line, WARN, Some(RUNTIME), message, None)
}

fn write_line(
    line: &mut dyn Write,
    level: u32,
    target: Option<&[u8]>,
    message: &[u8],
    stack_trace: Option<&[u8]>,
) -> fmt::Result {
    let mut buffer = [0; in_flight::MAX_REQUEST_ID];
    let length = in_flight::request_id(&mut buffer);
    let request_id = &buffer[..length];
    let level = usize::try_from(level).ok().and_then(|level| LOG_LEVELS.get(level));
    let level = level.unwrap_or(&"FATAL");
    let (seconds, milliseconds) = clock::now();
    let timestamp = Timestamp { seconds, milliseconds };
    if is_json() {
        write!(line, "{{\"timestamp\":\"{timestamp}\",\"level\":\"{level}\",")?;
        let target = target.unwrap_or_default();
        let shown = if stack_trace.is_some() { b"" } else { target };
        for (name, value) in [("target", shown), ("requestId", request_id)] {
            if !value.is_empty() {
                write!(line, "\"{name}\":")?;
                json::write_string(line, value)?;
                line.write_char(',')?;
            }
        }
        if let Some(stack_trace) = stack_trace {
            json::write_error(line, target, message, stack_trace)?;
        } else {
            line.write_str("\"message\":")?;
            json::write_string(line, message)?;
            line.write_char('}')?;
        }
        return line.write_char('\n');
    }
    write!(line, "{timestamp}\t")?;
    write_text(line, if request_id.is_empty() { b"-" } else { request_id })?;
    write!(line, "\t{level}\t")?;
    if let Some(target) = target {
        write_text(line, target)?;
        line.write_str(": ")?;
    }
    write_text(line, message)?;
    if let Some(stack_trace) = stack_trace.filter(|lines| !lines.is_empty()) {
        line.write_char('\r')?;
        write_text(line, stack_trace.trim_ascii_end())?;
    }
    line.write_str("\n")
}

/// Writes text on one line. CloudWatch ends a record at a line feed, and shows carriage returns as
/// line breaks, which Lambda's own runtimes rely on.
fn write_text(line: &mut dyn Write, text: &[u8]) -> fmt::Result {
    for chunk in text.utf8_chunks() {
        for (index, part) in chunk.valid().split('\n').enumerate() {
            if index > 0 {
                line.write_char('\r')?;
            }
            line.write_str(part)?;
        }
        if !chunk.invalid().is_empty() {
            line.write_char(char::REPLACEMENT_CHARACTER)?;
        }
    }
    Ok(())
}

/// A time since the Unix epoch, displayed as in RFC 3339: `2026-11-21T03:04:05.678Z`.
struct Timestamp {
    seconds: u64,
    milliseconds: u32,
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.seconds / 86_400, self.seconds % 86_400);
        // Howard Hinnant's civil_from_days: a year begins in March, so the leap day is its last.
        let days = days + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let leap_days = day_of_era / 1460 + day_of_era / 146_096 - day_of_era / 36_524;
        let year_of_era = (day_of_era - leap_days) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let milliseconds = self.milliseconds;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn times_are_those_of_the_calendar() {
        let shown = |seconds| format!("{}", Timestamp { seconds, milliseconds: 7 });
        assert_eq!(shown(0), "1970-01-01T00:00:00.007Z");
        assert_eq!(shown(951_782_399), "2000-02-28T23:59:59.007Z");
        assert_eq!(shown(951_782_400), "2000-02-29T00:00:00.007Z");
        assert_eq!(shown(1_795_219_199), "2026-11-20T23:59:59.007Z");
        assert_eq!(shown(4_107_542_400), "2100-03-01T00:00:00.007Z");
    }

    #[test]
    fn text_is_one_line_of_utf_8() {
        let mut line = String::new();
        write_text(&mut line, b"a\nb\xff\xc3\xa9").expect("a String");
        assert_eq!(line, "a\rb\u{fffd}é");
    }
}
