//! `malloc` for the bootstrap and the handlers: a small early heap, then mimalloc.
//!
//! mimalloc's start-up (arenas, options, thread data) costs more than all else that happens before a
//! small handler's first invocation: measured in one run, 2.26 times the limit's init in place of
//! 1.32, and 2.6 MB in place of 0.5. So the first allocations come out of a static block that is all
//! zeros and costs nothing until it is touched; mimalloc begins when somebody asks for a large piece,
//! and serves alone once that block was full. Blocks of the early heap are given back only in the
//! reverse order of their allocation, which is how an invocation frees most of what it allocates.

use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering;

use libmimalloc_sys as mimalloc;

use crate::sys;

const EARLY_SIZE: usize = 64 * 1024;
/// Larger pieces are mimalloc's: they would leave too little for the small ones.
const MAX_EARLY_BLOCK: usize = 8 * 1024;
/// In front of each early block: its size, for `realloc`. Keeps blocks aligned as malloc must.
const HEADER: usize = 16;

#[repr(align(16))]
struct Early(UnsafeCell<[u8; EARLY_SIZE]>);

// SAFETY: each byte belongs to the block that `early_allocate` has handed out, to one owner.
unsafe impl Sync for Early {}

static EARLY: Early = Early(UnsafeCell::new([0; EARLY_SIZE]));
/// How many bytes of the early heap are handed out, or [`CLOSED`].
static USED: AtomicUsize = AtomicUsize::new(0);
/// The early heap was full once: from then on all is mimalloc's.
const CLOSED: usize = usize::MAX;

fn early_start() -> *mut u8 {
    EARLY.0.get().cast()
}

/// Where an early block's size is written.
fn header(block: *const u8) -> *mut usize {
    block.wrapping_sub(HEADER).cast_mut().cast()
}

fn is_early(block: *const u8) -> bool {
    block.addr().wrapping_sub(early_start().addr()) < EARLY_SIZE
}

/// A block of the early heap; None when it does not fit.
fn early_allocate(size: usize, align: usize) -> Option<*mut u8> {
    let mut used = USED.load(Ordering::Relaxed);
    if used == CLOSED {
        return None;
    }
    if size > MAX_EARLY_BLOCK || align > MAX_EARLY_BLOCK {
        initialise();
        return None;
    }
    let base = early_start().addr();
    // No block is without a byte: one at the very end of the early heap would not lie in it.
    let size = size.max(1);
    loop {
        let start = (base + used + HEADER).next_multiple_of(align.max(HEADER)) - base;
        let end = (start + size).next_multiple_of(HEADER);
        if end > EARLY_SIZE {
            initialise();
            USED.store(CLOSED, Ordering::Relaxed);
            return None;
        }
        match USED.compare_exchange_weak(used, end, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => {
                let block = early_start().wrapping_add(start);
                // SAFETY: `used..end` is now this block's, and the header lies in front of it.
                unsafe { header(block).write(size) };
                return Some(block);
            }
            Err(CLOSED) => return None,
            Err(now) => used = now,
        }
    }
}

/// Takes an early block back if nothing was allocated behind it.
fn early_free(block: *mut u8) {
    let start = block.addr() - early_start().addr();
    let end = (start + early_size(block)).next_multiple_of(HEADER);
    // Fails where something lies behind it; then its bytes are lost to the early heap.
    let _ = USED.compare_exchange(end, start - HEADER, Ordering::Release, Ordering::Relaxed);
}

/// Makes an early block longer or shorter where it stands, if nothing was allocated behind it.
fn early_resize(block: *mut u8, old: usize, size: usize) -> bool {
    let start = block.addr() - early_start().addr();
    let end = (start + old).next_multiple_of(HEADER);
    if size > MAX_EARLY_BLOCK || start + size > EARLY_SIZE {
        return false;
    }
    let new_end = (start + size).next_multiple_of(HEADER);
    if USED.compare_exchange(end, new_end, Ordering::Relaxed, Ordering::Relaxed).is_err() {
        return false;
    }
    // SAFETY: the header in front of the block is its own.
    unsafe { header(block).write(size) };
    true
}

fn early_size(block: *const u8) -> usize {
    // SAFETY: `early_allocate` has written the size there.
    unsafe { header(block).read() }
}

unsafe extern "C" {
    /// What mimalloc's constructor would call at every start. Before it was called, mimalloc takes it that
    /// the program is still being loaded: it looks its options up anew each time, and asks the system for
    /// 32 MB whenever it has none, which it gives back as soon as all of it is free.
    safe fn _mi_auto_process_init();
}

/// Has mimalloc begin, while there is one thread alone: it takes the first that asks for the process's main
/// one, and two that ask at the same time would both be given the main thread's heap.
pub fn initialise() {
    static IS_INITIALISED: AtomicBool = AtomicBool::new(false);
    if !IS_INITIALISED.load(Ordering::Relaxed) {
        IS_INITIALISED.store(true, Ordering::Relaxed);
        _mi_auto_process_init();
    }
}

/// Uninitialised memory, or null.
pub fn allocate(size: usize, align: usize) -> *mut u8 {
    if let Some(block) = early_allocate(size, align) {
        return block;
    }
    // SAFETY: any size and any power of two will do.
    unsafe { mimalloc::mi_malloc_aligned(size, align) }.cast()
}

/// Memory of zeros, or null.
pub fn allocate_zeroed(size: usize, align: usize) -> *mut u8 {
    match early_allocate(size, align) {
        Some(block) => {
            // SAFETY: the block is new and `size` long; a block before it may have written there.
            unsafe { ptr::write_bytes(block, 0, size) };
            block
        }
        // SAFETY: any size and any power of two will do.
        None => unsafe { mimalloc::mi_zalloc_aligned(size, align) }.cast(),
    }
}

/// Gives memory back.
///
/// # Safety
/// `block` came from this module and is not used again, or is null.
pub unsafe fn give_back(block: *mut u8) {
    if is_early(block) {
        early_free(block);
    } else {
        // SAFETY: not early, so it is mimalloc's, or null.
        unsafe { mimalloc::mi_free(block.cast()) };
    }
}

/// Moves a block to one of another size, or returns null and leaves it.
///
/// # Safety
/// As for [`give_back`]; `align` is what it was allocated with.
pub unsafe fn reallocate(block: *mut u8, size: usize, align: usize) -> *mut u8 {
    if !is_early(block) {
        // SAFETY: not early, so it is mimalloc's, or null.
        return unsafe { mimalloc::mi_realloc_aligned(block.cast(), size, align) }.cast();
    }
    let old = early_size(block);
    if early_resize(block, old, size) || size <= old {
        return block;
    }
    let new = allocate(size, align);
    if !new.is_null() {
        // SAFETY: both blocks are at least `old` long, and the new one is another.
        unsafe { ptr::copy_nonoverlapping(block, new, old) };
        early_free(block);
    }
    new
}

// The C functions. musl's own allocations (a `FILE`, a resolver's answer) come here too.

/// What C guarantees of `malloc`: room for any type that is not over-aligned.
const C_ALIGN: usize = 16;

/// Sets the error number as C expects when there is no memory.
fn checked(block: *mut u8) -> *mut c_void {
    if block.is_null() {
        sys::set_errno(libc::ENOMEM);
    }
    block.cast()
}

#[unsafe(no_mangle)]
extern "C" fn malloc(size: usize) -> *mut c_void {
    checked(early_allocate(size, C_ALIGN).unwrap_or_else(|| {
        // SAFETY: any size will do; mimalloc aligns as C asks.
        unsafe { mimalloc::mi_malloc(size) }.cast()
    }))
}

#[unsafe(no_mangle)]
extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    match count.checked_mul(size) {
        Some(size) => checked(allocate_zeroed(size, C_ALIGN)),
        None => checked(ptr::null_mut()),
    }
}

/// # Safety
/// As for C's `realloc`.
#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    if block.is_null() {
        return malloc(size);
    }
    if is_early(block.cast()) {
        // SAFETY: as C's contract, which is this module's.
        return checked(unsafe { reallocate(block.cast(), size, C_ALIGN) });
    }
    // SAFETY: not early, so it is mimalloc's.
    checked(unsafe { mimalloc::mi_realloc(block, size) }.cast())
}

/// # Safety
/// As for C's `free`.
#[unsafe(no_mangle)]
unsafe extern "C" fn free(block: *mut c_void) {
    // SAFETY: as C's contract, which is this module's.
    unsafe { give_back(block.cast()) };
}

/// `memalign` has the same arguments and no stricter rules.
#[unsafe(no_mangle)]
extern "C" fn memalign(align: usize, size: usize) -> *mut c_void {
    aligned_alloc(align, size)
}

#[unsafe(no_mangle)]
extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut c_void {
    if !align.is_power_of_two() {
        sys::set_errno(libc::EINVAL);
        return ptr::null_mut();
    }
    checked(allocate(size, align))
}

/// # Safety
/// `to` has room for a pointer.
#[unsafe(no_mangle)]
unsafe extern "C" fn posix_memalign(to: *mut *mut c_void, align: usize, size: usize) -> c_int {
    if !align.is_power_of_two() || !align.is_multiple_of(size_of::<usize>()) {
        return libc::EINVAL;
    }
    let block = allocate(size, align);
    if block.is_null() {
        return libc::ENOMEM;
    }
    // SAFETY: as the function's own contract.
    unsafe { to.write(block.cast()) };
    0
}

/// # Safety
/// `block` came from `malloc`, or is null.
#[unsafe(no_mangle)]
unsafe extern "C" fn malloc_usable_size(block: *mut c_void) -> usize {
    if is_early(block.cast()) {
        return early_size(block.cast());
    }
    // SAFETY: not early, so it is mimalloc's, or null.
    unsafe { mimalloc::mi_usable_size(block) }
}

// musl's own name for the allocator that it brings along, where it wants memory for itself: the
// same heap, so that there is one.

#[unsafe(no_mangle)]
extern "C" fn __libc_malloc(size: usize) -> *mut c_void {
    malloc(size)
}

#[unsafe(no_mangle)]
extern "C" fn __libc_calloc(count: usize, size: usize) -> *mut c_void {
    calloc(count, size)
}

/// # Safety
/// As for C's `realloc`.
#[unsafe(no_mangle)]
unsafe extern "C" fn __libc_realloc(block: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: as the function's own contract.
    unsafe { realloc(block, size) }
}

/// # Safety
/// As for C's `free`.
#[unsafe(no_mangle)]
unsafe extern "C" fn __libc_free(block: *mut c_void) {
    // SAFETY: as the function's own contract.
    unsafe { free(block) };
}
