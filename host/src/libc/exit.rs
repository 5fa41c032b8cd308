//! The functions by which a handler ends the process. Each reports that first, as a crash is
//! reported.

use core::ffi::c_int;
use core::ffi::c_void;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering;

use super::dl;
use crate::crash;

unsafe extern "C" {
    fn exit(code: c_int) -> !;
    fn _exit(code: c_int) -> !;
    fn abort() -> !;
    fn pthread_exit(result: *mut c_void) -> !;
    /// Whether the runtime started the calling thread (threads.c).
    safe fn pilotlight_is_runtimes_thread() -> bool;
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

/// `abort`. Works also on a thread that blocks SIGABRT, and before the runtime handles that signal.
#[unsafe(no_mangle)]
extern "C" fn pilotlight_abort() -> ! {
    crash::report_abort();
    // SAFETY: as above.
    unsafe { abort() }
}

/// The end of `pthread_exit`, after every frame has been unwound. On a thread of the runtime it
/// ends the process: without that thread, no further invocation would be answered.
#[unsafe(no_mangle)]
extern "C" fn pilotlight_end_thread(result: *mut c_void) -> ! {
    if pilotlight_is_runtimes_thread() && crash::is_watched() {
        pilotlight_exit(0);
    }
    // SAFETY: the handler ends its thread on purpose.
    unsafe { pthread_exit(result) }
}

/// musl's `exit` calls the functions in this section after those of `atexit`, so nothing has to be
/// registered at start-up.
#[used]
#[unsafe(link_section = ".fini_array")]
static AT_EXIT: extern "C" fn() = run_destructors;

/// Runs the libraries' destructors as a dynamic linker would: in reverse order of mapping. A
/// destructor that calls `exit` does not restart them.
extern "C" fn run_destructors() {
    static HAVE_STARTED: AtomicBool = AtomicBool::new(false);
    if HAVE_STARTED.swap(true, Ordering::Relaxed) {
        return;
    }
    for library in dl::newest_first() {
        library.destroy();
    }
}
