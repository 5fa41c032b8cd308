//! Panics: each is caught before it reaches the bootstrap, and is one line in the log.

use std::cell::RefCell;
use std::panic;
use std::panic::AssertUnwindSafe;

thread_local! {
    /// The place of this thread's last panic.
    static LOCATION: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Has panics noted for [`catch`] in place of printed: their messages may quote a secret. The hook
/// is this module's own; the handler's library has another.
pub fn note_panics() {
    panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        LOCATION.set(location);
    }));
}

/// Does the work; Err says that it has panicked, and where.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(work))
        .map_err(|_| format!("a bug in the runtime, at {}", LOCATION.take()))
}
