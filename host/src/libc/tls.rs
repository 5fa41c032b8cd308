//! Thread-locals of mapped libraries. They lie in a reserve within the bootstrap's static TLS
//! block, divided among the libraries, so that every model reaches them. A library whose
//! thread-locals do not fit there can use the dynamic model and descriptors alone, and each thread
//! allocates a block for them: at its first access or, if the library has descriptors, when the
//! thread starts. A descriptor's function must keep nearly all registers, so it only reads.
//!
//! If a library is mapped after a thread has started, the thread must [`catch_up`] before it calls
//! into that library.
//!
//! The first word of a `__tls_get_addr` argument, which a dynamic linker would fill with a module's
//! number, holds the distance of the library's thread-locals from the thread pointer, so that the
//! address is one addition away (glibc.c). Modulo 2⁶⁴ it is never as small as a library's index.
//!
//! A descriptor is the address of a function and a word for it, which is the distance of the
//! thread-local from the thread pointer or, in a block, the offset there and the library's index.

use core::ptr;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering;

use pilotlight_loader::TlsPlace;
use pilotlight_loader::TlsTemplate;
use pilotlight_loader::tls;

use super::heap;
use crate::crash;
use crate::log;

unsafe extern "C" {
    /// The reserve of the calling thread (glibc.c).
    safe fn pilotlight_tls_reserve() -> *mut u8;
    /// The calling thread's thread pointer (glibc.c).
    safe fn pilotlight_thread_pointer() -> *mut u8;
    /// The calling thread's blocks, one for each library, null until the first access (glibc.c).
    safe fn pilotlight_tls_blocks() -> *mut *mut u8;
    /// The number of libraries whose initial values the calling thread has (glibc.c).
    safe fn pilotlight_tls_initialised() -> *mut usize;
    /// The function of descriptors whose word is a distance (`tls_descriptor.s`).
    fn pilotlight_tls_in_reserve();
    /// The function of descriptors whose word is an offset in a block (`tls_descriptor.s`).
    fn pilotlight_tls_in_block();
}

/// Bits of a descriptor's word for the library's index; the others are the offset in its block.
const INDEX_BITS: u32 = 3;
const _: () = assert!(1 << INDEX_BITS == tls::MAX_TLS_LIBRARIES);

/// The initial values of a library's thread-locals.
struct Template {
    /// The initial bytes.
    bytes: AtomicPtr<u8>,
    size: AtomicUsize,
    /// Size of a block in bytes: the initial bytes, then zeros.
    memory_size: AtomicUsize,
    align: AtomicUsize,
    /// The distance from the thread pointer, or the library's index.
    module: AtomicUsize,
    /// Whether descriptors lead to the block, which each thread then needs from its start.
    has_descriptors: AtomicBool,
}

static TEMPLATES: [Template; tls::MAX_TLS_LIBRARIES] = [const {
    Template {
        bytes: AtomicPtr::new(ptr::null_mut()),
        size: AtomicUsize::new(0),
        memory_size: AtomicUsize::new(0),
        align: AtomicUsize::new(0),
        module: AtomicUsize::new(0),
        has_descriptors: AtomicBool::new(false),
    }
}; tls::MAX_TLS_LIBRARIES];
static TEMPLATE_COUNT: AtomicUsize = AtomicUsize::new(0);
static USED: AtomicUsize = AtomicUsize::new(0);

/// Reserves room for a library's thread-locals. Call it on one thread at a time: the first thread
/// does so for the handler, and later one thread for the module `services`. The module `libc.so`,
/// which may be mapped at the same time, has no thread-locals (tests/it/layer/bootstrap.rs).
pub fn reserve(template: &TlsTemplate) -> TlsPlace {
    match tls::reserve_range(USED.load(Ordering::Relaxed) as u64, template) {
        Ok(place) => {
            USED.store(number(place.end), Ordering::Relaxed);
            let reserve = pilotlight_tls_reserve().addr() as u64;
            let pointer = pilotlight_thread_pointer().addr() as u64;
            let offset = reserve.wrapping_sub(pointer).wrapping_add(place.start);
            TlsPlace { module: offset, thread_pointer_offset: Ok(offset) }
        }
        Err(left) => {
            // Libraries are registered in the order in which they are relocated.
            let module = TEMPLATE_COUNT.load(Ordering::Relaxed);
            TlsPlace { module: module as u64, thread_pointer_offset: Err(left) }
        }
    }
}

/// The descriptor of the thread-local at `offset` in what [`reserve`] gave to the library that is
/// being relocated.
pub fn descriptor(place: TlsPlace, offset: u64) -> [u64; 2] {
    let (function, word) = match place.thread_pointer_offset {
        Ok(start) => (pilotlight_tls_in_reserve as *const (), start.wrapping_add(offset)),
        Err(_) => {
            if let Some(template) = TEMPLATES.get(number(place.module)) {
                template.has_descriptors.store(true, Ordering::Relaxed);
            }
            (pilotlight_tls_in_block as *const (), offset << INDEX_BITS | place.module)
        }
    };
    [function.addr() as u64, word]
}

/// Records a library's initial values, which lie at the live address in `found`. The calling thread
/// gets them now, and later threads when they start.
pub fn register(found: &TlsTemplate, place: TlsPlace) {
    let index = TEMPLATE_COUNT.load(Ordering::Relaxed);
    let Some(template) = TEMPLATES.get(index) else {
        return;
    };
    let bytes = ptr::with_exposed_provenance_mut(number(found.address));
    template.bytes.store(bytes, Ordering::Relaxed);
    template.size.store(number(found.file_size), Ordering::Relaxed);
    template.memory_size.store(number(found.memory_size), Ordering::Relaxed);
    template.align.store(number(found.align), Ordering::Relaxed);
    template.module.store(number(place.module), Ordering::Relaxed);
    TEMPLATE_COUNT.store(index + 1, Ordering::Release);
    catch_up();
}

/// Initialises the calling thread's thread-locals of the libraries that were mapped since it
/// started or last called this.
pub fn catch_up() {
    let count = TEMPLATE_COUNT.load(Ordering::Acquire);
    // SAFETY: the number is the thread's own.
    let initialised = unsafe { &mut *pilotlight_tls_initialised() };
    TEMPLATES.iter().take(count).skip(*initialised).for_each(initialise);
    *initialised = count;
}

fn initialise(template: &Template) {
    let distance = template.module.load(Ordering::Relaxed);
    if distance >= tls::MAX_TLS_LIBRARIES {
        // These bytes of every thread's reserve belong to this library.
        copy_initial(template, pilotlight_thread_pointer().wrapping_add(distance));
    } else if template.has_descriptors.load(Ordering::Relaxed) {
        pilotlight_tls_block(distance);
    }
}

fn copy_initial(template: &Template, to: *mut u8) {
    let from = template.bytes.load(Ordering::Relaxed);
    // SAFETY: the callers reserved this much room at `to` for this library alone, and the loader
    // has checked that the initial bytes lie in a mapped segment.
    unsafe { ptr::copy_nonoverlapping(from, to, template.size.load(Ordering::Relaxed)) };
}

/// The calling thread's block for a library that did not fit into the reserve (glibc.c).
#[unsafe(no_mangle)]
extern "C" fn pilotlight_tls_block(index: usize) -> *mut u8 {
    let slot = pilotlight_tls_blocks().wrapping_add(index);
    // SAFETY: there is a slot for each library, and only this thread uses this one.
    let known = unsafe { slot.read() };
    if !known.is_null() {
        return known;
    }
    let template = &TEMPLATES[index];
    let align = template.align.load(Ordering::Relaxed);
    // Offset of the template from an aligned address, which the block needs as well.
    let skew = template.bytes.load(Ordering::Relaxed).addr() % align;
    let size = template.memory_size.load(Ordering::Relaxed) + skew;
    let allocated = heap::allocate_zeroed(size, align);
    if allocated.is_null() {
        log::error(format_args!("no memory for thread-locals"));
        crash::report_abort();
        // SAFETY: the caller expects an address, and no error can be returned to it.
        unsafe { libc::abort() };
    }
    let block = allocated.wrapping_add(skew);
    copy_initial(template, block);
    // SAFETY: as above.
    unsafe { slot.write(block) };
    block
}

/// Frees the calling thread's blocks. musl calls this when none of a library's code runs on the
/// thread any more: after its destructors, with signals blocked, and not on the last thread, which
/// runs the process's exit handlers.
#[unsafe(no_mangle)]
extern "C" fn __dl_thread_cleanup() {
    for (index, template) in TEMPLATES.iter().enumerate() {
        let slot = pilotlight_tls_blocks().wrapping_add(index);
        // SAFETY: there is a slot for each library, and only this thread uses this one.
        let block = unsafe { slot.replace(ptr::null_mut()) };
        if !block.is_null() {
            let skew = block.addr() % template.align.load(Ordering::Relaxed);
            // SAFETY: `pilotlight_tls_block` allocated it, `skew` bytes before; the thread's code
            // has ended.
            unsafe { heap::give_back(block.wrapping_sub(skew)) };
        }
    }
}

fn number(value: u64) -> usize {
    usize::try_from(value).unwrap_or(0)
}
