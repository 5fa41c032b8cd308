//! The ways in which a handler ends the process itself: reported first, as a crash is.

use core::ffi::c_int;
use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering;

use crate::crash;

unsafe extern "C" {
    fn exit(code: c_int) -> !;
    fn _exit(code: c_int) -> !;
    fn abort() -> !;
    fn pthread_exit(result: *mut c_void) -> !;
    /// Whether the runtime began the calling thread (threads.c).
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

/// `abort`: the signal that it raises is watched only from the first invocation on.
#[unsafe(no_mangle)]
extern "C" fn pilotlight_abort() -> ! {
    crash::expect_abort();
    // SAFETY: as above.
    unsafe { abort() }
}

/// `pthread_exit`, when every frame has been left. The runtime's threads do not come back to it then, so
/// that no invocation would be answered any more: the process ends.
#[unsafe(no_mangle)]
extern "C" fn pilotlight_end_thread(result: *mut c_void) -> ! {
    if pilotlight_is_runtimes_thread() && crash::is_watched() {
        pilotlight_exit(0);
    }
    // SAFETY: the handler ends its thread on purpose.
    unsafe { pthread_exit(result) }
}

static DESTRUCTORS: AtomicPtr<u64> = AtomicPtr::new(ptr::null_mut());
static DESTRUCTOR_COUNT: AtomicUsize = AtomicUsize::new(0);

/// Has a library's destructors run when the process exits, as a dynamic linker would: behind what
/// was registered with `atexit`.
pub fn run_at_exit(destructors: &'static [u64]) {
    DESTRUCTORS.store(destructors.as_ptr().cast_mut(), Ordering::Relaxed);
    DESTRUCTOR_COUNT.store(destructors.len(), Ordering::Release);
}

/// musl's `exit` calls what stands in this section behind the functions of `atexit`, so that the
/// start has nothing to register.
#[used]
#[unsafe(link_section = ".fini_array")]
static AT_EXIT: extern "C" fn() = run_destructors;

extern "C" fn run_destructors() {
    let count = DESTRUCTOR_COUNT.swap(0, Ordering::Acquire);
    for index in 0..count {
        let place = DESTRUCTORS.load(Ordering::Relaxed).wrapping_add(index);
        // SAFETY: `run_at_exit` was given a slice of at least `count` numbers, for good.
        let address = usize::try_from(unsafe { place.read() }).unwrap_or(0);
        let pointer: *const () = ptr::with_exposed_provenance(address);
        // SAFETY: the loader has checked that the address lies in an executable segment, and the
        // file declares it to be a destructor.
        let destructor: extern "C" fn() = unsafe { core::mem::transmute(pointer) };
        destructor();
    }
}
