//! The reason that a library gives before it ends the process.

use core::ptr;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::Ordering;

use pilotlight_abi as abi;

/// Limit of the message in a report, in bytes.
const MAX_LENGTH: usize = 1024;

static LAST_WORDS: AtomicPtr<abi::Bytes> = AtomicPtr::new(ptr::null_mut());

/// [`abi::Runtime::last_words`].
///
/// # Safety
/// The library's promise of the ABI: the message and its bytes live as long as the process.
pub unsafe extern "C" fn last_words(message: *const abi::Bytes) {
    LAST_WORDS.store(message.cast_mut(), Ordering::Release);
}

/// The library's message, cut to the limit; None if it has set none.
pub fn get() -> Option<&'static [u8]> {
    // SAFETY: null, or the caller of `last_words` keeps it alive.
    let message = unsafe { LAST_WORDS.load(Ordering::Acquire).as_ref() }?;
    // SAFETY: the caller of `last_words` keeps its bytes alive as well.
    let text = unsafe { message.as_slice() }?;
    text.get(..MAX_LENGTH).or(Some(text))
}
