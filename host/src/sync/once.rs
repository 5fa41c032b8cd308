//! Work that is done once in a process, and values that are set once.

use alloc::boxed::Box;
use core::ptr;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::AtomicU8;
use core::sync::atomic::Ordering;

use crate::sys;

/// An atomic pointer to a value that lives as long as the process. Zeros while empty, so a static
/// one takes no room in the executable's file.
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
        self.keep(value);
        value
    }

    /// Sets a value that lives as long as the process already.
    pub fn keep(&self, value: &'static T) {
        self.0.store(ptr::from_ref(value).cast_mut(), Ordering::Release);
    }

    /// The value; None until it was set.
    pub fn get(&self) -> Option<&'static T> {
        // SAFETY: null, or the reference that `keep` was given.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }
}

/// Work that is done once, by the first thread that asks for it. Zeros before that.
#[derive(Debug)]
pub struct Once(AtomicU8);

const UNTRIED: u8 = 0;
const WORKING: u8 = 1;
const DONE: u8 = 2;

impl Once {
    /// Before the first call of [`Once::run`].
    pub const fn untried() -> Once {
        Once(AtomicU8::new(UNTRIED))
    }

    /// Returns when the work is done: here, or on the thread that came first. The work must not ask
    /// for itself.
    pub fn run(&self, work: impl FnOnce()) {
        if self.begin() {
            work();
            self.0.store(DONE, Ordering::Release);
        }
    }

    /// Whether the caller is to do the work; if not, it is done.
    fn begin(&self) -> bool {
        let first = self.0.compare_exchange(UNTRIED, WORKING, Ordering::Acquire, Ordering::Relaxed);
        if first.is_err() {
            while self.0.load(Ordering::Acquire) != DONE {
                sys::pause(1);
            }
        }
        first.is_ok()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use core::sync::atomic::AtomicU32;
    use core::time::Duration;

    #[test]
    fn the_work_is_done_once_and_the_others_wait_for_it() {
        static ONCE: Once = Once::untried();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    ONCE.run(|| {
                        std::thread::sleep(Duration::from_millis(20));
                        COUNT.fetch_add(1, Ordering::Relaxed);
                    });
                    assert_eq!(COUNT.load(Ordering::Relaxed), 1);
                });
            }
        });
    }

    #[test]
    fn a_value_is_there_once_it_is_set() {
        static VALUE: OnceBox<u32> = OnceBox::empty();
        assert_eq!(VALUE.get(), None);
        assert_eq!((VALUE.set(7), VALUE.get()), (&7, Some(&7)));
    }
}
