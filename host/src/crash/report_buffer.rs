//! The buffer of a process's only report.

use core::cell::UnsafeCell;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering;

/// The size in bytes: a message, and the same as JSON for the log and for the body, and a head.
const SIZE: usize = 32 << 10;

struct ReportBuffer(UnsafeCell<[u8; SIZE]>);

// SAFETY: `take` hands it out once, and it is never given back.
unsafe impl Sync for ReportBuffer {}

// All zeros, so it lies in .bss: not in the file, and without a page until a report touches it.
// Off the page of the variables of the start (layout.ld).
#[unsafe(link_section = ".bss.large")]
static BUFFER: ReportBuffer = ReportBuffer(UnsafeCell::new([0; SIZE]));
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// Takes the buffer; None if it is taken already.
pub fn take() -> Option<&'static mut [u8]> {
    if IS_TAKEN.swap(true, Ordering::Relaxed) {
        return None;
    }
    // SAFETY: only this caller has taken it.
    Some(unsafe { &mut *BUFFER.0.get() })
}
