//! The memory that the one report of a process is written in.

use core::cell::UnsafeCell;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering;

const SIZE: usize = 32 << 10;

struct ReportBuffer(UnsafeCell<[u8; SIZE]>);

// SAFETY: whoever takes it takes it once and for good.
unsafe impl Sync for ReportBuffer {}

// All zeros, which the executable's file does not hold; nothing but a report touches it.
static BUFFER: ReportBuffer = ReportBuffer(UnsafeCell::new([0; SIZE]));
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// Takes it; None when somebody already has.
pub fn take() -> Option<&'static mut [u8]> {
    if IS_TAKEN.swap(true, Ordering::Relaxed) {
        return None;
    }
    // SAFETY: this caller alone has taken it.
    Some(unsafe { &mut *BUFFER.0.get() })
}
