//! `malloc` for the bootstrap and the handlers: a small early heap, then mimalloc.
//!
//! Initialising mimalloc (arenas, options, thread data) costs more than everything else before a
//! small handler's first invocation: in one run, init took 2.26 times as long as a program of raw
//! system calls in place of 1.32, and 2.6 MB in place of 0.5. So the first allocations come from a
//! static block of zeros, which costs nothing until it is touched. mimalloc is initialised at the
//! first large allocation, and serves all allocations once the block is full. The early heap reuses
//! a block only if it is freed in reverse order of allocation, as an invocation frees most of its
//! blocks.

use core::alloc::GlobalAlloc;
use core::alloc::Layout;
use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering;

use libmimalloc_sys as mimalloc;

use crate::errno::Errno;

/// Size of the early heap in bytes.
const EARLY_SIZE: usize = 64 * 1024;
/// Largest block of the early heap in bytes. Larger ones would leave too little for small blocks.
const MAX_EARLY_BLOCK: usize = 8 * 1024;
/// Bytes before each early block, which hold its size for `realloc` and keep it aligned as `malloc`
/// must.
const HEADER: usize = 16;

#[repr(align(16))]
struct Early(UnsafeCell<[u8; EARLY_SIZE]>);

// SAFETY: `early_allocate` hands each byte out to one owner at a time.
unsafe impl Sync for Early {}

// After the variables of the start, so that its first blocks share their page (layout.ld).
#[unsafe(link_section = ".bss.early_heap")]
static EARLY: Early = Early(UnsafeCell::new([0; EARLY_SIZE]));
/// Bytes of the early heap that are in use, or [`CLOSED`].
static USED: AtomicUsize = AtomicUsize::new(0);
/// The early heap has been full: from then on mimalloc serves every allocation.
const CLOSED: usize = usize::MAX;

fn early_start() -> *mut u8 {
    EARLY.0.get().cast()
}

/// The address of an early block's size.
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
    // An empty block at the very end of the early heap would lie outside it.
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

/// Frees an early block if it is the last one.
fn early_free(block: *mut u8) {
    let start = block.addr() - early_start().addr();
    let end = (start + early_size(block)).next_multiple_of(HEADER);
    // Fails if another block follows; then these bytes are lost to the early heap.
    let _ = USED.compare_exchange(end, start - HEADER, Ordering::Release, Ordering::Relaxed);
}

/// Resizes an early block in place, if it is the last one.
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
    /// Initialises mimalloc, as its constructor would at every start. Until then mimalloc assumes
    /// that the program is still being loaded: it looks its options up at each use, and whenever it
    /// has no memory it maps 32 MB, which it unmaps as soon as all of it is free.
    safe fn _mi_auto_process_init();
}

/// Initialises mimalloc. Call it while the process is single-threaded: mimalloc takes the first
/// thread that allocates for the main one, and would give two that do so at once the same heap.
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

/// Zeroed memory, or null.
pub fn allocate_zeroed(size: usize, align: usize) -> *mut u8 {
    match early_allocate(size, align) {
        Some(block) => {
            // SAFETY: the block is new and `size` long. An earlier block may have written there.
            unsafe { ptr::write_bytes(block, 0, size) };
            block
        }
        // SAFETY: any size and any power of two will do.
        None => unsafe { mimalloc::mi_zalloc_aligned(size, align) }.cast(),
    }
}

/// Frees a block.
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

/// Resizes a block, which may move. Returns null if it cannot, and leaves the block as it is.
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

/// The heap as Rust's allocator.
#[derive(Debug)]
pub struct Heap;

// SAFETY: the functions above return blocks of at least the requested size and alignment, each to
// one owner.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        allocate(layout.size(), layout.align())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        allocate_zeroed(layout.size(), layout.align())
    }

    unsafe fn dealloc(&self, block: *mut u8, _layout: Layout) {
        // SAFETY: the caller's promise is `give_back`'s.
        unsafe { give_back(block) };
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise is `reallocate`'s.
        unsafe { reallocate(block, size, layout.align()) }
    }
}

// The C functions. musl's own allocations (a `FILE`, a resolver's answer) come here too.

/// Alignment that C guarantees for `malloc`: enough for any type that is not over-aligned.
const C_ALIGN: usize = 16;

/// Sets `errno` if the block is null, as C requires.
fn checked(block: *mut u8) -> *mut c_void {
    if block.is_null() {
        Errno(libc::ENOMEM).set();
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
        Errno(libc::EINVAL).set();
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

// musl allocates its own memory under these names. They lead to the same heap, so that there is
// one.

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
