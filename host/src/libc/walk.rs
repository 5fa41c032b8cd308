//! Walks the stack of a thread that a signal has interrupted, on that thread, by the libraries'
//! unwind tables.
//!
//! musl's functions have no such tables. If the thread is in one of them, the walk starts at the
//! first return address on the stack from which it gets to the runtime's own frames: that shows
//! that it was no old value. A wrong start may lead anywhere, also to a fault, which ends that
//! walk alone.

use core::ffi::c_int;
use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering;

use super::dl;
use crate::arch;
use crate::arch::Interrupted;
use crate::crash::Walker;

/// Limit of the size of the runtime's own frames below `top`, in bytes.
const MAX_OWN_FRAMES: usize = 8 << 10;
/// Limit of the words of the stack that are tried as the first return address.
const MAX_TRIED: usize = 128;

/// The functions of this file, for [`crate::crash`].
pub static WALKER: Walker = Walker { walk, rescue };

/// The thread that walks; 0 for none.
static WALKING: AtomicU64 = AtomicU64::new(0);

type Visit = unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int;

unsafe extern "C" {
    /// walk.s in [`crate::arch`]
    fn pilotlight_walk(visit: Visit, data: *mut c_void, registers: *const [usize; 3]);
    safe static pilotlight_walk_end: u8;
    safe static pilotlight_walk_stack: AtomicUsize;
    fn _Unwind_GetIP(context: *mut c_void) -> usize;
    fn _Unwind_GetCFA(context: *mut c_void) -> usize;
}

/// One walk.
struct Walk<'f> {
    frames: &'f mut [usize],
    count: usize,
    /// The stack pointer of the last frame.
    stack: usize,
    top: usize,
    /// Whether the walk has passed its own frame.
    has_begun: bool,
    /// Whether it has come to the runtime's frames, or has found as many frames as there is room.
    has_arrived: bool,
}

/// Writes the addresses of instructions in libraries to `frames`, the innermost first, and returns
/// their number. `top` is an address in the runtime's frames above them.
fn walk(at: Interrupted, top: usize, frames: &mut [usize]) -> usize {
    // The unwinder takes return addresses, which follow their calls.
    let mut count = match follow([at.instruction + 1, at.stack, at.frame], top, frames) {
        Ok(count) => return count,
        Err(count) => count,
    };
    if dl::locate(at.link).is_some()
        && let Ok(count) = follow([at.link, at.stack, at.frame], top, frames)
    {
        return count;
    }
    let mut words = [0; MAX_TRIED];
    let words = copy(at.stack, &mut words);
    for (index, &word) in words.iter().enumerate() {
        if dl::locate(word).is_none() {
            continue;
        }
        let address = at.stack + index * size_of::<usize>();
        // A function of musl may have saved its caller's frame pointer.
        for &frame in core::iter::once(&at.frame).chain(&words[..index]) {
            for distance in arch::CALLER_DISTANCES {
                if let Ok(count) = follow([word, address + distance, frame], top, frames) {
                    return count;
                }
            }
        }
        count = count.max(1);
    }
    count
}

/// Copies the stack from `address` on, as far as it is mapped.
fn copy(address: usize, words: &mut [usize]) -> &[usize] {
    let vector =
        |base, words: &[usize]| libc::iovec { iov_base: base, iov_len: size_of_val(words) };
    let remote = vector(ptr::without_provenance_mut(address), words);
    let local = vector(words.as_mut_ptr().cast(), words);
    // SAFETY: the call has no argument.
    let process = unsafe { libc::getpid() };
    let (call, one, flags) = (libc::SYS_process_vm_readv, 1, 0);
    // SAFETY: the kernel writes to `words`, and reports addresses that cannot be read.
    let size = unsafe {
        libc::syscall(call, process, &raw const local, one, &raw const remote, one, flags)
    };
    let size = usize::try_from(size).unwrap_or(0);
    &words[..size / size_of::<usize>()]
}

/// Walks from these registers. Err: it did not arrive.
fn follow(registers: [usize; 3], top: usize, frames: &mut [usize]) -> Result<usize, usize> {
    let stack = registers[1];
    let mut walk = Walk { frames, count: 0, stack, top, has_begun: false, has_arrived: false };
    // SAFETY: the call has no argument.
    WALKING.store(unsafe { libc::pthread_self() }, Ordering::Relaxed);
    // SAFETY: `visit` takes a `Walk`; `rescue` handles faults.
    unsafe { pilotlight_walk(visit, (&raw mut walk).cast(), &raw const registers) };
    WALKING.store(0, Ordering::Relaxed);
    if walk.has_arrived { Ok(walk.count) } else { Err(walk.count) }
}

/// The unwinder's callback: 0 continues.
unsafe extern "C" fn visit(context: *mut c_void, walk: *mut c_void) -> c_int {
    // SAFETY: `follow` passed it.
    let walk = unsafe { &mut *walk.cast::<Walk>() };
    if !core::mem::replace(&mut walk.has_begun, true) {
        return 0;
    }
    // SAFETY: the unwinder's own argument.
    let stack = unsafe { _Unwind_GetCFA(context) };
    // SAFETY: as above.
    let instruction = unsafe { _Unwind_GetIP(context) }.wrapping_sub(1);
    if !(walk.stack..walk.top).contains(&stack) {
        return 1;
    }
    walk.stack = stack;
    if dl::locate(instruction).is_none() {
        walk.has_arrived = walk.count > 0 && walk.top - stack < MAX_OWN_FRAMES;
        return 1;
    }
    walk.frames[walk.count] = instruction;
    walk.count += 1;
    walk.has_arrived = walk.count == walk.frames.len();
    c_int::from(walk.has_arrived)
}

/// Ends the calling thread's walk after a fault; false if it does not walk.
fn rescue(context: &mut libc::ucontext_t) -> bool {
    // SAFETY: the call has no argument.
    let is_walking = WALKING.load(Ordering::Relaxed) == unsafe { libc::pthread_self() };
    if is_walking {
        let end = (&raw const pilotlight_walk_end).addr();
        arch::resume_at(context, end, pilotlight_walk_stack.load(Ordering::Relaxed));
    }
    is_walking
}
