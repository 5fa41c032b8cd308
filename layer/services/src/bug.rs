//! Panics: caught before they reach the bootstrap, and logged as one line.

use std::cell::RefCell;
use std::panic;
use std::panic::AssertUnwindSafe;

thread_local! {
    /// Source location of this thread's last panic.
    static LOCATION: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Installs a hook that stores the location of panics for [`catch`], and prints nothing: messages
/// of panics may quote a secret. The hook is this module's; the handler's library has its own.
pub fn note_panics() {
    panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        LOCATION.set(location);
    }));
}

/// Calls `work`. Err names the location if it panics.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(work))
        .map_err(|_| format!("a bug in the runtime, at {}", LOCATION.take()))
}
