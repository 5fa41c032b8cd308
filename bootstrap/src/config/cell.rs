//! Where a value is kept: replaced as a whole by one writer, and read by any number of threads, none of
//! which ever waits.
//!
//! The word of a cell is the address of its value and, in the 16 bits that no address uses, how many
//! readers have begun to read since it was put there. A reader adds itself to that and has the address
//! in one step, counts itself in the value, and takes itself out of the word again; where the writer
//! was faster, it has carried the word's count over to the value's.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Deref;
use core::ptr;
use core::sync::atomic::AtomicI64;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering;

/// A value, as it arrived.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// The value.
    pub bytes: Vec<u8>,
    /// Its content type; empty for none.
    pub content_type: Vec<u8>,
    /// What its source calls this version; empty for none.
    pub version: Vec<u8>,
    /// When it was fetched, in milliseconds since the Unix epoch.
    pub fetched_ms: u64,
    /// Which value of its name it is.
    pub generation: u64,
    /// Must not reach a log, an error or a file.
    pub is_secret: bool,
}

/// A value and how many read it, and [`IN_CELL`] while it is in its cell.
struct Shared {
    uses: AtomicI64,
    value: Fetched,
}

const IN_CELL: i64 = 1 << 32;
const ONE_READER: u64 = 1 << 48;
const ADDRESS: u64 = ONE_READER - 1;

/// See the module.
#[derive(Debug, Default)]
pub struct ArcCell(AtomicU64);

/// A value that a reader holds.
#[derive(Debug)]
pub struct Guard(*const Shared);

impl ArcCell {
    /// Without a value.
    pub const fn empty() -> ArcCell {
        ArcCell(AtomicU64::new(0))
    }

    /// What is there; None until the first value has been put.
    pub fn get(&self) -> Option<Guard> {
        if self.0.load(Ordering::Relaxed) & ADDRESS == 0 {
            return None;
        }
        let word = self.0.fetch_add(ONE_READER, Ordering::Acquire);
        let shared = address(word);
        // SAFETY: a cell never becomes empty again, and the word's count keeps the value.
        let uses = unsafe { &(*shared).uses };
        uses.fetch_add(1, Ordering::Relaxed);
        let back = |now: u64| (address(now) == shared).then(|| now - ONE_READER);
        if self.0.fetch_update(Ordering::Release, Ordering::Relaxed, back).is_err() {
            // The count in the word went over to the value.
            uses.fetch_sub(1, Ordering::Relaxed);
        }
        Some(Guard(shared))
    }

    /// Replaces what is there. One thread at a time.
    pub fn put(&self, value: Fetched) {
        let shared = Box::new(Shared { uses: AtomicI64::new(IN_CELL), value });
        let new = Box::into_raw(shared).expose_provenance() as u64;
        let old = self.0.swap(new, Ordering::AcqRel);
        let shared = address(old);
        if !shared.is_null() {
            let readers = i64::try_from(old / ONE_READER).unwrap_or(0);
            // SAFETY: it was in the cell until now.
            unsafe { add_uses(shared, readers - IN_CELL) };
        }
    }
}

fn address(word: u64) -> *const Shared {
    ptr::with_exposed_provenance(usize::try_from(word & ADDRESS).unwrap_or(0))
}

/// # Safety
/// The caller owns as many uses as it takes away.
unsafe fn add_uses(shared: *const Shared, uses: i64) {
    // SAFETY: the caller's uses keep it.
    let before = unsafe { (*shared).uses.fetch_add(uses, Ordering::AcqRel) };
    if before + uses == 0 {
        // SAFETY: it came out of a Box, and nobody uses it any more.
        drop(unsafe { Box::from_raw(shared.cast_mut()) });
    }
}

impl Guard {
    /// Lends it to foreign code, which hands it back to [`Guard::from_raw`].
    pub fn into_raw(self) -> *const () {
        core::mem::ManuallyDrop::new(self).0.cast()
    }

    /// # Safety
    /// `raw` came from [`Guard::into_raw`], and is handed back once.
    pub unsafe fn from_raw(raw: *const ()) -> Guard {
        Guard(raw.cast())
    }
}

impl Deref for Guard {
    type Target = Fetched;

    fn deref(&self) -> &Fetched {
        // SAFETY: this holder's use keeps it, and it is never written.
        unsafe { &(*self.0).value }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // SAFETY: this holder's use.
        unsafe { add_uses(self.0, -1) };
    }
}
