//! The runtime's functions, stored when it attaches itself to the library.

use std::ptr;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering;

use pilotlight_abi as abi;

static RUNTIME: AtomicPtr<abi::Runtime> = AtomicPtr::new(ptr::null_mut());

/// Stores the runtime's functions. The runtime calls this once, before `init`.
///
/// # Safety
/// The runtime keeps the ABI's promise: the table is valid as long as the process lives.
pub unsafe extern "C" fn attach(runtime: *const abi::Runtime) {
    RUNTIME.store(runtime.cast_mut(), Ordering::Release);
}

/// The runtime; None if another program has loaded the library, as a unit test does.
pub fn attached() -> Option<&'static abi::Runtime> {
    // SAFETY: null, or valid by the contract of `attach`.
    unsafe { RUNTIME.load(Ordering::Acquire).as_ref() }
}

/// Writes a record to the function's log. `level` is an index of [`abi::LOG_LEVELS`].
pub fn log(runtime: &abi::Runtime, level: u32, target: &str, message: &str) {
    let (target, message) = (abi::Bytes::of(target.as_bytes()), abi::Bytes::of(message.as_bytes()));
    // SAFETY: the ABI's rule for `log`: any thread, bytes that live until it returns.
    unsafe { (runtime.log)(level, target, message) };
}

/// Writes an error to the function's log.
pub fn log_error(runtime: &abi::Runtime, error_type: &str, message: &str, stack_trace: &str) {
    let bytes = |text: &str| abi::Bytes::of(text.as_bytes());
    // SAFETY: the ABI's rule for `log_error`: any thread, bytes that live until it returns.
    unsafe { (runtime.log_error)(bytes(error_type), bytes(message), bytes(stack_trace)) };
}

/// Records why the process is about to end, for the runtime's report. Leaks the message, which must
/// live as long as the process.
pub fn last_words(runtime: &abi::Runtime, message: String) {
    let message = Box::leak(message.into_boxed_str());
    let message = Box::leak(Box::new(abi::Bytes::of(message.as_bytes())));
    // SAFETY: the ABI's rule for `last_words`: any thread, bytes that live as long as the process.
    unsafe { (runtime.last_words)(message) };
}
