//! The runtime's functions that a handler's library calls: the table that it is attached with.

use pilotlight_abi as abi;
use pilotlight_host::crash;
use pilotlight_host::log;

use crate::config;
use crate::invocation::Sink;

/// The table, with the format and the level of the log. Call it after [`log::configure`].
pub fn table() -> abi::Runtime {
    abi::Runtime {
        abi_version: abi::ABI_VERSION,
        log_format: if log::is_json() { abi::LOG_JSON } else { abi::LOG_TEXT },
        log_level: log::level(),
        log: log_record,
        stream_begin,
        stream_write,
        config_declare: config::declare,
        config_read: config::read,
        config_release: config::release,
        log_error,
        last_words: crash::last_words,
    }
}

/// [`abi::Runtime::log`].
unsafe extern "C" fn log_record(level: u32, target: abi::Bytes, message: abi::Bytes) {
    // SAFETY: the ABI's rule for arguments: they stay valid until the call returns.
    let target = unsafe { target.as_slice() };
    // SAFETY: as above.
    let message = unsafe { message.as_slice() };
    log::record(level, target, message.unwrap_or_default());
}

/// [`abi::Runtime::log_error`].
unsafe extern "C" fn log_error(
    error_type: abi::Bytes,
    message: abi::Bytes,
    stack_trace: abi::Bytes,
) {
    // SAFETY: the ABI's rule for arguments: they stay valid until the call returns.
    let error_type = unsafe { error_type.as_slice() }.unwrap_or(b"Error");
    // SAFETY: as above.
    let message = unsafe { message.as_slice() }.unwrap_or_default();
    // SAFETY: as above.
    let stack_trace = unsafe { stack_trace.as_slice() }.unwrap_or_default();
    log::failure(error_type, message, stack_trace);
}

/// The response that `HandlerFn::call` has put into the invocation; None in `after`.
///
/// # Safety
/// Null, or the handler's call has not returned, and no other thread uses the stream.
unsafe fn sink<'a>(stream: *mut abi::Stream) -> Option<&'a mut dyn Sink> {
    // SAFETY: the caller's promise.
    unsafe { stream.cast::<&'a mut dyn Sink>().as_mut() }.map(|sink| &mut **sink)
}

/// [`abi::Runtime::stream_begin`].
unsafe extern "C" fn stream_begin(
    stream: *mut abi::Stream,
    content_type: abi::Bytes,
    prelude: abi::Bytes,
) -> i32 {
    // SAFETY: the ABI's rule for `stream`: the invocation's, during its call, on one thread at a
    // time.
    let Some(sink) = (unsafe { sink(stream) }) else {
        return libc::EINVAL;
    };
    // SAFETY: the ABI's rule for arguments: they stay valid until the call returns.
    let content_type = unsafe { content_type.as_slice() };
    // SAFETY: as above.
    let prelude = unsafe { prelude.as_slice() };
    sink.begin(content_type, prelude).err().map_or(0, |errno| errno.0)
}

/// [`abi::Runtime::stream_write`].
unsafe extern "C" fn stream_write(stream: *mut abi::Stream, data: abi::Bytes) -> i32 {
    // SAFETY: as above.
    let Some(sink) = (unsafe { sink(stream) }) else {
        return libc::EPIPE;
    };
    // SAFETY: as above.
    let data = unsafe { data.as_slice() };
    sink.write(data.unwrap_or_default()).err().map_or(0, |errno| errno.0)
}
