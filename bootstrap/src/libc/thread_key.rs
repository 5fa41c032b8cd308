//! A value that each thread has of its own, and what happens to it when the thread ends.

use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::ffi::c_void;

/// Called with a thread's value, unless that is null, when the thread ends.
pub type End = unsafe extern "C" fn(*mut c_void);

/// A key of POSIX's; made by the first use, once.
pub struct ThreadKey {
    key: UnsafeCell<libc::pthread_key_t>,
    once: UnsafeCell<libc::pthread_once_t>,
    make: extern "C" fn(),
}

// SAFETY: `pthread_once` orders the one write to the key before every read.
unsafe impl Sync for ThreadKey {}

unsafe extern "C" {
    fn pthread_once(once: *mut libc::pthread_once_t, run: extern "C" fn()) -> c_int;
}

impl ThreadKey {
    /// One that `make` makes, by calling [`make`](ThreadKey::make) on it.
    pub const fn new(make: extern "C" fn()) -> ThreadKey {
        let once = UnsafeCell::new(libc::PTHREAD_ONCE_INIT);
        ThreadKey { key: UnsafeCell::new(0), once, make }
    }

    /// Makes the key; to be called by the function that was passed to `new`, and by nobody else.
    pub fn make(&self, end: End) {
        // SAFETY: `pthread_once` runs this once; the key is where the static keeps it.
        unsafe { libc::pthread_key_create(self.key.get(), Some(end)) };
    }

    fn key(&self) -> libc::pthread_key_t {
        // SAFETY: both live as long as the key is used.
        unsafe { pthread_once(self.once.get(), self.make) };
        // SAFETY: `pthread_once` returned, so the key has been written for good.
        unsafe { *self.key.get() }
    }

    /// The calling thread's value; null before it has set one.
    pub fn get(&self) -> *mut c_void {
        // SAFETY: the key exists.
        unsafe { libc::pthread_getspecific(self.key()) }
    }

    /// Sets the calling thread's value; what it means is its `End`'s affair. 0, or an error number.
    pub fn set(&self, value: *const c_void) -> c_int {
        // SAFETY: the key exists.
        unsafe { libc::pthread_setspecific(self.key(), value) }
    }
}
