//! The end of the execution environment, in order: the library's own last work, then what its streams
//! still hold. Only where that was asked for, because the platform wants an extension for it.

use alloc::boxed::Box;
use alloc::format;
use core::ffi::c_int;
use core::ptr;
use core::sync::atomic::AtomicI32;
use core::sync::atomic::Ordering;

use crate::environment::Environment;
use crate::event_loop::StartThread;
use crate::handler::Handler;
use crate::log;
use crate::runtime_api::RuntimeApi;
use crate::sys::own_descriptor;

/// Where the signal handler writes that the end has come.
static END: AtomicI32 = AtomicI32::new(-1);

/// Registers for SIGTERM if the environment or the library wants that. Where it cannot be had, that is
/// logged, and invocations go on.
pub fn prepare(
    api: &mut RuntimeApi,
    handler: &'static Handler,
    environment: &Environment,
    start_thread: StartThread,
) {
    let is_wanted = match environment.shutdown {
        Some(b"" | b"0") => false,
        Some(_) => true,
        None => handler.has_shutdown(),
    };
    if !is_wanted {
        return;
    }
    // SAFETY: the call has no pointer.
    let event = match own_descriptor(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) }) {
        Ok(event) => event,
        Err(errno) => {
            return log::warn(&format!("no orderly shutdown: no eventfd (errno {errno})"));
        }
    };
    END.store(event, Ordering::Relaxed);
    if let Err(errno) = start_thread(Box::leak(Box::new(move || wait(event, handler)))) {
        log::warn(&format!("no orderly shutdown: no thread (errno {errno})"));
        return;
    }
    // SAFETY: a structure of numbers and pointers, for which zeros are valid.
    let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
    action.sa_sigaction = on_end as *const () as usize;
    action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
    // SAFETY: `on_end` has the form of a signal handler, and calls only what one may.
    unsafe { libc::sigaction(libc::SIGTERM, &raw const action, ptr::null_mut()) };
    if let Err(failure) = api.register_extension() {
        log::warn(&format!("no orderly shutdown: {}", failure.message));
    }
}

extern "C" fn on_end(_number: c_int) {
    let one = 1u64;
    let event = END.load(Ordering::Relaxed);
    // SAFETY: the kernel reads the eight bytes of `one`.
    unsafe { libc::write(event, (&raw const one).cast(), size_of::<u64>()) };
}

/// Waits for the end, and comes to it. The platform kills the process if that takes too long.
fn wait(event: c_int, handler: &Handler) {
    let mut count = 0u64;
    loop {
        // SAFETY: the kernel writes eight bytes to `count`.
        let read = unsafe { libc::read(event, (&raw mut count).cast(), size_of::<u64>()) };
        if read > 0 {
            break;
        }
    }
    handler.shut_down();
    // Exit handlers stay out of it: a handler may be running.
    // SAFETY: the process ends on purpose.
    unsafe { libc::_exit(0) };
}
