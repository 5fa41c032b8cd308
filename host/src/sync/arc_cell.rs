//! A cell with a reference-counted value: one writer replaces the value, any number of threads read
//! it, and no reader waits.
//!
//! The cell is one word: the address of the value and, in the 16 bits that no address uses, the
//! number of readers that are between their first and last step. A reader increments that number
//! and gets the address in one step, increments the value's own count, and decrements the word's
//! number again. If the writer replaced the word in between, it has added the word's number to the
//! value's count.

use alloc::boxed::Box;
use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr;
use core::sync::atomic::AtomicI64;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering;

/// A value, and the number of its readers, plus [`IN_CELL`] while the cell holds it.
struct Shared<T> {
    uses: AtomicI64,
    value: T,
}

const IN_CELL: i64 = 1 << 32;
const ONE_READER: u64 = 1 << 48;
const ADDRESS: u64 = ONE_READER - 1;

/// The cell; see the module.
#[derive(Debug)]
pub struct ArcCell<T: Send + Sync + 'static>(AtomicU64, PhantomData<T>);

/// A reader's reference to a value, which lives at least as long.
#[derive(Debug)]
pub struct Guard<T>(*const Shared<T>);

impl<T: Send + Sync> ArcCell<T> {
    /// Without a value.
    pub const fn empty() -> ArcCell<T> {
        ArcCell(AtomicU64::new(0), PhantomData)
    }

    /// The current value; None until the first [`ArcCell::put`].
    pub fn get(&self) -> Option<Guard<T>> {
        if self.0.load(Ordering::Relaxed) & ADDRESS == 0 {
            return None;
        }
        let word = self.0.fetch_add(ONE_READER, Ordering::Acquire);
        let shared: *const Shared<T> = address(word);
        // SAFETY: a cell never becomes empty again, and the word's count keeps the value alive.
        let uses = unsafe { &(*shared).uses };
        uses.fetch_add(1, Ordering::Relaxed);
        let back = |now: u64| (address(now) == shared).then(|| now - ONE_READER);
        if self.0.fetch_update(Ordering::Release, Ordering::Relaxed, back).is_err() {
            // The writer has moved the word's count to the value's.
            uses.fetch_sub(1, Ordering::Relaxed);
        }
        Some(Guard(shared))
    }

    /// Replaces the value. Only one thread at a time may call this.
    pub fn put(&self, value: T) {
        let shared = Box::new(Shared { uses: AtomicI64::new(IN_CELL), value });
        let new = Box::into_raw(shared).expose_provenance() as u64;
        let old = self.0.swap(new, Ordering::AcqRel);
        let shared: *const Shared<T> = address(old);
        if !shared.is_null() {
            let readers = i64::try_from(old / ONE_READER).unwrap_or(0);
            // SAFETY: the cell owned `IN_CELL` uses until now.
            unsafe { add_uses(shared, readers - IN_CELL) };
        }
    }
}

fn address<T>(word: u64) -> *const Shared<T> {
    ptr::with_exposed_provenance(usize::try_from(word & ADDRESS).unwrap_or(0))
}

/// # Safety
/// The caller owns as many uses as it takes away.
unsafe fn add_uses<T>(shared: *const Shared<T>, uses: i64) {
    // SAFETY: the caller's uses keep the value alive.
    let before = unsafe { (*shared).uses.fetch_add(uses, Ordering::AcqRel) };
    if before + uses == 0 {
        // SAFETY: it came out of a Box, and no use is left.
        drop(unsafe { Box::from_raw(shared.cast_mut()) });
    }
}

impl<T> Guard<T> {
    /// Passes the reference to foreign code, which returns it to [`Guard::from_raw`].
    pub fn into_raw(self) -> *const () {
        core::mem::ManuallyDrop::new(self).0.cast()
    }

    /// Takes a reference back.
    ///
    /// # Safety
    /// `raw` came from [`Guard::into_raw`] of a guard of the same type, and is passed here once.
    pub unsafe fn from_raw(raw: *const ()) -> Guard<T> {
        Guard(raw.cast())
    }
}

impl<T> Deref for Guard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: this guard's use keeps the value alive, and a shared value is never written.
        unsafe { &(*self.0).value }
    }
}

impl<T> Drop for Guard<T> {
    fn drop(&mut self) {
        // SAFETY: this guard's use.
        unsafe { add_uses(self.0, -1) };
    }
}
