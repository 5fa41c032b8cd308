//! The buffers of reports: that of the process's only crash report, and that of time-outs.

use core::cell::UnsafeCell;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering;

use crate::sys;

/// The size in bytes: a message, and the same as JSON for the log and for the body, and a head.
const SIZE: usize = 32 << 10;

struct ReportBuffer {
    bytes: UnsafeCell<[u8; SIZE]>,
    is_taken: AtomicBool,
}

// SAFETY: `take` hands it out once, until it is given back.
unsafe impl Sync for ReportBuffer {}

impl ReportBuffer {
    const fn new() -> ReportBuffer {
        ReportBuffer { bytes: UnsafeCell::new([0; SIZE]), is_taken: AtomicBool::new(false) }
    }

    #[expect(clippy::mut_from_ref, reason = "the flag lets only one caller have it")]
    fn take(&self) -> Option<&mut [u8]> {
        if self.is_taken.swap(true, Ordering::Acquire) {
            return None;
        }
        // SAFETY: only this caller has taken it.
        Some(unsafe { &mut *self.bytes.get() })
    }
}

// All zeros, so they lie in .bss: not in the file, and without a page until a report touches them.
// Off the page of the variables of the start (layout.ld).
#[unsafe(link_section = ".bss.large")]
static CRASH: ReportBuffer = ReportBuffer::new();
#[unsafe(link_section = ".bss.large")]
static TIME_OUT: ReportBuffer = ReportBuffer::new();

/// Takes the buffer of the crash report for as long as the process lives; None if it is taken
/// already.
pub fn take() -> Option<&'static mut [u8]> {
    CRASH.take()
}

/// Lends the buffer of time-outs, once no other thread has it.
pub fn lend(borrow: &mut dyn FnMut(&mut [u8])) {
    loop {
        if let Some(buffer) = TIME_OUT.take() {
            borrow(buffer);
            return TIME_OUT.is_taken.store(false, Ordering::Release);
        }
        sys::pause(1);
    }
}
