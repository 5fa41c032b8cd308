//! The ways in which a handler ends the process itself: reported first, as a crash is.

use core::ffi::c_int;

use crate::crash;

unsafe extern "C" {
    fn exit(code: c_int) -> !;
    fn _exit(code: c_int) -> !;
    fn abort() -> !;
}

/// `exit`.
#[unsafe(no_mangle)]
extern "C" fn pilotlight_exit(code: c_int) -> ! {
    crash::report_exit(code);
    // SAFETY: the handler ends the process on purpose.
    unsafe { exit(code) }
}

/// `_exit` and `_Exit`: without exit handlers.
#[unsafe(no_mangle)]
extern "C" fn pilotlight_exit_at_once(code: c_int) -> ! {
    crash::report_exit(code);
    // SAFETY: as above.
    unsafe { _exit(code) }
}

/// `abort`: the signal that it raises is watched only from the first invocation on.
#[unsafe(no_mangle)]
extern "C" fn pilotlight_abort() -> ! {
    crash::expect_abort();
    // SAFETY: as above.
    unsafe { abort() }
}
