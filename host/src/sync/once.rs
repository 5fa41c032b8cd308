//! A value that is set once and then lives as long as the process.

use alloc::boxed::Box;
use core::ptr;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::Ordering;

/// An atomic pointer to a leaked box. Zeros while empty, so a static one takes no room in the
/// executable's file.
#[derive(Debug)]
pub struct OnceBox<T: Send + Sync + 'static>(AtomicPtr<T>);

impl<T: Send + Sync> OnceBox<T> {
    /// Without a value.
    pub const fn empty() -> OnceBox<T> {
        OnceBox(AtomicPtr::new(ptr::null_mut()))
    }

    /// Sets the value. A second call replaces it, and leaks the first.
    pub fn set(&self, value: T) -> &'static T {
        let value = Box::leak(Box::new(value));
        self.0.store(value, Ordering::Release);
        value
    }

    /// The value; None until [`OnceBox::set`] was called.
    pub fn get(&self) -> Option<&'static T> {
        // SAFETY: null, or what `set` leaked, to which no code writes again.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }
}
