//! Graceful shutdown: on SIGTERM, runs the library's `shutdown` hook, flushes its streams, and
//! exits. Only on request, because Lambda sends SIGTERM only to functions with an extension.

use alloc::boxed::Box;
use core::ffi::c_int;
use core::ptr;
use core::sync::atomic::AtomicI32;
use core::sync::atomic::Ordering;

use pilotlight_host::log;
use pilotlight_host::sys::own_descriptor;

use crate::environment::Environment;
use crate::event_loop::StartThread;
use crate::handler::Handler;
use crate::runtime_api::RuntimeApi;

/// The eventfd that the signal handler writes to.
static EVENT: AtomicI32 = AtomicI32::new(-1);

/// Prepares the shutdown if the environment or the library requests it. A failure is only logged:
/// the function works without it.
pub fn prepare(
    api: &mut RuntimeApi,
    handler: &'static Handler,
    environment: &Environment,
    start_thread: StartThread,
) {
    let is_requested = match environment.shutdown {
        Some(b"" | b"0") => false,
        Some(_) => true,
        None => handler.has_shutdown(),
    };
    if !is_requested {
        return;
    }
    // SAFETY: the call has no pointer.
    let event = match own_descriptor(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) }) {
        Ok(event) => event,
        Err(errno) => {
            return log::warn(format_args!("no graceful shutdown: no eventfd (errno {errno})"));
        }
    };
    EVENT.store(event, Ordering::Relaxed);
    if let Err(errno) = start_thread(Box::leak(Box::new(move || wait(event, handler)))) {
        log::warn(format_args!("no graceful shutdown: no thread (errno {errno})"));
        return;
    }
    // SAFETY: a structure of numbers and pointers, for which zeros are valid.
    let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
    action.sa_sigaction = on_sigterm as *const () as usize;
    action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
    // SAFETY: `on_sigterm` has the signature of a signal handler, and is async-signal-safe.
    unsafe { libc::sigaction(libc::SIGTERM, &raw const action, ptr::null_mut()) };
    if let Err(failure) = api.register_extension() {
        log::warn(format_args!("no graceful shutdown: {}", failure.message));
    }
}

extern "C" fn on_sigterm(_number: c_int) {
    let one = 1u64;
    let event = EVENT.load(Ordering::Relaxed);
    // SAFETY: the kernel reads the eight bytes of `one`.
    unsafe { libc::write(event, (&raw const one).cast(), size_of::<u64>()) };
}

/// Waits for SIGTERM, runs the hook, and exits. The platform kills the process if this takes too
/// long.
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
    // Without exit handlers, because the handler may be running on another thread.
    // SAFETY: the call has no pointer.
    unsafe { libc::_exit(0) };
}
