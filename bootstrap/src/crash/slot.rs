//! What a report needs and cannot make: the request's head and the address, prepared when an
//! invocation comes, in memory that is there from the start.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::net::SocketAddr;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering;

/// Room for the request's head.
const HEAD: usize = 2048;
/// Room for what a report writes.
const ROOM: usize = 12 << 10;

struct Slot {
    address: UnsafeCell<MaybeUninit<SocketAddr>>,
    head: UnsafeCell<[u8; HEAD]>,
    length: UnsafeCell<usize>,
}

/// What a report writes into; apart, because nothing but a report touches it.
struct Room(UnsafeCell<[u8; ROOM]>);

// SAFETY: as for the slot, which goes with it.
unsafe impl Sync for Room {}

static REPORT_ROOM: Room = Room(UnsafeCell::new([0; ROOM]));

// SAFETY: the thread that runs the loop writes the slot while it is disarmed; whoever takes it,
// takes it once and for good.
unsafe impl Sync for Slot {}

// All zeros, which the executable's file does not hold.
static SLOT: Slot = Slot {
    address: UnsafeCell::new(MaybeUninit::zeroed()),
    head: UnsafeCell::new([0; HEAD]),
    length: UnsafeCell::new(0),
};
static ARMED: AtomicBool = AtomicBool::new(false);

/// What a report is made with.
pub struct Request {
    /// Where the Runtime API is.
    pub address: SocketAddr,
    /// The request up to the error's category.
    pub head: &'static [u8],
    /// For the rest.
    pub room: &'static mut [u8],
}

/// From now on, the end of the process is reported by a request that begins with these parts and
/// goes on with the category of the error; without an address there is no report.
pub fn arm(address: Option<SocketAddr>, parts: &[&[&[u8]]]) {
    disarm();
    let Some(address) = address else {
        return;
    };
    let mut length = 0;
    for part in parts.iter().copied().flatten() {
        // SAFETY: disarmed, so nobody but this thread looks at the slot.
        let head = unsafe { &mut *SLOT.head.get() };
        let Some(room) = head.get_mut(length..length + part.len()) else {
            // A request id that long has no report.
            return;
        };
        room.copy_from_slice(part);
        length += part.len();
    }
    // SAFETY: as above.
    unsafe { *SLOT.length.get() = length };
    // SAFETY: as above.
    unsafe { *SLOT.address.get() = MaybeUninit::new(address) };
    ARMED.store(true, Ordering::Release);
}

/// From now on, the end of the process is nobody's affair.
pub fn disarm() {
    ARMED.store(false, Ordering::Relaxed);
}

/// Takes what was prepared; None when there is nothing to report, or somebody already does.
pub fn take() -> Option<Request> {
    if !ARMED.swap(false, Ordering::Acquire) {
        return None;
    }
    // SAFETY: the slot was armed, and this caller alone has taken it. The loop's thread does not
    // write to it any more: it is the caller, or the process ends before its invocation does.
    let address = unsafe { *SLOT.address.get() };
    // SAFETY: `arm` has written it.
    let address = unsafe { address.assume_init() };
    // SAFETY: as above.
    let length = unsafe { *SLOT.length.get() };
    // SAFETY: as above.
    let head = unsafe { &*SLOT.head.get() };
    // SAFETY: as above.
    let room = unsafe { &mut *REPORT_ROOM.0.get() };
    Some(Request { address, head: head.get(..length)?, room })
}
