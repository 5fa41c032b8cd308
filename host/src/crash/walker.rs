//! The functions that walk a thread's stack, for reports of time-outs and for faults in a walk.

use core::ptr;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::Ordering;

use crate::arch::Interrupted;

/// The functions that walk a thread's stack.
#[derive(Debug)]
pub struct Walker {
    /// Writes the instructions of the libraries' frames, the innermost first, and returns their
    /// number. The second argument is an address in the runtime's frames.
    pub walk: fn(Interrupted, usize, &mut [usize]) -> usize,
    /// Ends a walk of the calling thread after a fault; false if there is none.
    pub rescue: fn(&mut libc::ucontext_t) -> bool,
}

static WALKER: AtomicPtr<Walker> = AtomicPtr::new(ptr::null_mut());

/// Sets the functions.
pub fn set(walker: &'static Walker) {
    WALKER.store(ptr::from_ref(walker).cast_mut(), Ordering::Relaxed);
}

/// The functions; None before they were set.
pub fn get() -> Option<&'static Walker> {
    // SAFETY: null, or a static.
    unsafe { WALKER.load(Ordering::Relaxed).as_ref() }
}

/// Ends a walk of the calling thread after a fault; false if there is none.
pub fn rescue(context: &mut libc::ucontext_t) -> bool {
    get().is_some_and(|walker| (walker.rescue)(context))
}
