//! The runtime's functions for the library.

use std::env;
use std::io;
use std::io::Write as _;

use pilotlight_abi as abi;
use serde_json::json;

use super::stream::EINVAL;
use super::stream::Sink;
use crate::runtime;

/// The error number for functions that only the Pilotlight runtime has.
const ENOSYS: i32 = 38;

/// The default level, an index of [`abi::LOG_LEVELS`].
const INFO: usize = 2;
/// The level of errors, an index of [`abi::LOG_LEVELS`].
const ERROR: u32 = 4;

/// Makes the table, which lives as long as the process.
pub fn make() -> &'static abi::Runtime {
    let variable = |name| env::var(name).unwrap_or_default();
    let is_json = variable("AWS_LAMBDA_LOG_FORMAT").eq_ignore_ascii_case("json");
    let level = variable("AWS_LAMBDA_LOG_LEVEL");
    let level = abi::LOG_LEVELS.iter().position(|name| level.eq_ignore_ascii_case(name));
    Box::leak(Box::new(abi::Runtime {
        abi_version: abi::ABI_VERSION,
        log_format: if is_json { abi::LOG_JSON } else { abi::LOG_TEXT },
        log_level: u32::try_from(level.unwrap_or(INFO)).unwrap_or(ERROR),
        log,
        stream_begin,
        stream_write,
        config_declare,
        config_read,
        config_release,
        log_error: log_error_by_abi,
        last_words,
    }))
}

/// Writes one line to the function's log. The platform adds the time.
fn write(level: u32, text: &str, json: &serde_json::Value) {
    let Some(runtime) = runtime::attached().filter(|runtime| level >= runtime.log_level) else {
        return;
    };
    let level = usize::try_from(level).ok().and_then(|level| abi::LOG_LEVELS.get(level));
    let line = match runtime.log_format {
        abi::LOG_JSON => format!("{json}\n"),
        _ => format!("{}\t{}\n", level.unwrap_or(&"FATAL"), text.trim_end().replace('\n', "\r")),
    };
    // A log that cannot be written must not fail the invocation.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Writes an error to the function's log. The bytes live until this returns.
pub fn log_error(error_type: abi::Bytes, message: abi::Bytes, stack_trace: abi::Bytes) {
    let [error_type, message, stack_trace] = [error_type, message, stack_trace].map(text);
    let json = json!({
        "level": "ERROR",
        "errorType": error_type,
        "errorMessage": message,
        "stackTrace": stack_trace.lines().collect::<Vec<_>>(),
    });
    write(ERROR, &format!("{error_type}: {message}\n{stack_trace}"), &json);
}

fn text(bytes: abi::Bytes) -> String {
    // SAFETY: the ABI's rules for all of these functions: bytes that live until they return.
    let bytes = unsafe { bytes.as_slice() }.unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

unsafe extern "C" fn log(level: u32, target: abi::Bytes, message: abi::Bytes) {
    let (target, message) = (text(target), text(message));
    let name = usize::try_from(level).ok().and_then(|level| abi::LOG_LEVELS.get(level));
    let json = json!({ "level": name, "target": target, "message": message });
    write(level, &format!("{target}: {message}"), &json);
}

unsafe extern "C" fn log_error_by_abi(
    error_type: abi::Bytes,
    message: abi::Bytes,
    stack_trace: abi::Bytes,
) {
    log_error(error_type, message, stack_trace);
}

unsafe extern "C" fn stream_begin(
    stream: *mut abi::Stream,
    content_type: abi::Bytes,
    prelude: abi::Bytes,
) -> i32 {
    // SAFETY: `library::call` has passed a `Sink`, which lives as long as the invocation, and the
    // ABI lets one thread at a time use it.
    let Some(sink) = (unsafe { stream.cast::<Sink>().as_mut() }) else {
        return EINVAL;
    };
    // SAFETY: the ABI's rule for `stream_begin`: bytes that live until it returns.
    let content_type = unsafe { content_type.as_slice() }.map(String::from_utf8_lossy);
    // SAFETY: as above.
    let prelude = unsafe { prelude.as_slice() };
    sink.begin(content_type.as_deref(), prelude).err().unwrap_or_default()
}

unsafe extern "C" fn stream_write(stream: *mut abi::Stream, data: abi::Bytes) -> i32 {
    // SAFETY: as in `stream_begin`.
    let Some(sink) = (unsafe { stream.cast::<Sink>().as_mut() }) else {
        return EINVAL;
    };
    // SAFETY: the ABI's rule for `stream_write`: bytes that live until it returns.
    let data = unsafe { data.as_slice() }.unwrap_or_default();
    sink.write(data).err().unwrap_or_default()
}

unsafe extern "C" fn config_declare(_: abi::Bytes, _: *mut abi::Bytes) -> i32 {
    ENOSYS
}

unsafe extern "C" fn config_read(_: abi::Bytes, _: u64, _: *mut abi::ConfigValue) -> i32 {
    ENOSYS
}

unsafe extern "C" fn config_release(_: *const abi::ConfigValue) {}

unsafe extern "C" fn last_words(message: *const abi::Bytes) {
    // SAFETY: the ABI's rule for `last_words`: valid as long as the process lives.
    if let Some(message) = unsafe { message.as_ref() } {
        log_error(abi::Bytes::of(b"Panic"), *message, abi::Bytes::ABSENT);
    }
}
