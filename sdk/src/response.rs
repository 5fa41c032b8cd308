//! A response on its way to the runtime: bytes, and their owner with its type erased.

use std::ffi::c_void;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use pilotlight_abi as abi;

/// Response bytes, and the owner that keeps them alive until the runtime has sent them.
#[doc(hidden)]
#[derive(Debug)]
pub struct Response {
    pub(crate) bytes: abi::Bytes,
    pub(crate) owner: *mut c_void,
    pub(crate) release: unsafe extern "C" fn(*mut c_void),
}

impl Response {
    /// Takes ownership of `owner`, which may borrow from the event: that lives until the runtime
    /// has released the outcome.
    pub fn owning<T: AsRef<[u8]>>(owner: T) -> Response {
        let owner = Box::new(owner);
        let bytes = abi::Bytes::of((*owner).as_ref());
        Response { bytes, owner: Box::into_raw(owner).cast(), release: release::<T> }
    }
}

/// Drops the box of a `T`.
///
/// # Safety
/// `owner` comes from `Box::into_raw` of a `Box<T>`, and is not used again.
pub unsafe extern "C" fn release<T>(owner: *mut c_void) {
    // SAFETY: the function's own contract; the runtime calls this once.
    let owner = unsafe { Box::from_raw(owner.cast::<T>()) };
    // A destructor that panics must not unwind into the runtime; its hook has logged it.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(owner)));
}
