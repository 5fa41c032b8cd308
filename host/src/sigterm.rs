//! Catches SIGTERM, so that a thread can wait for it and then run any code.

use core::ffi::c_int;
use core::ptr;
use core::sync::atomic::AtomicI32;
use core::sync::atomic::Ordering;

use crate::errno::Errno;
use crate::sys::own_descriptor;

/// The eventfd that the signal handler writes to.
static EVENT: AtomicI32 = AtomicI32::new(-1);

/// The event that a signal sets.
#[derive(Clone, Copy, Debug)]
pub struct Sigterm(c_int);

impl Sigterm {
    /// Creates the event. One per process.
    pub fn new() -> Result<Sigterm, Errno> {
        // SAFETY: the call has no pointer.
        let event = own_descriptor(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) })?;
        EVENT.store(event, Ordering::Relaxed);
        Ok(Sigterm(event))
    }

    /// From now on, SIGTERM sets the event, and no longer ends the process.
    pub fn catch(self) {
        // SAFETY: a structure of numbers and pointers, for which zeros are valid.
        let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
        action.sa_sigaction = on_sigterm as *const () as usize;
        action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
        // SAFETY: `on_sigterm` has the signature of a signal handler, and is async-signal-safe.
        unsafe { libc::sigaction(libc::SIGTERM, &raw const action, ptr::null_mut()) };
    }

    /// Waits for the signal, without a timeout.
    pub fn wait(self) {
        let mut count = 0u64;
        loop {
            // SAFETY: the kernel writes eight bytes to `count`.
            let read = unsafe { libc::read(self.0, (&raw mut count).cast(), size_of::<u64>()) };
            if read > 0 {
                return;
            }
        }
    }
}

extern "C" fn on_sigterm(_number: c_int) {
    let one = 1u64;
    let event = EVENT.load(Ordering::Relaxed);
    // SAFETY: the kernel reads the eight bytes of `one`.
    unsafe { libc::write(event, (&raw const one).cast(), size_of::<u64>()) };
}
