//! Thread-locals of mapped libraries: a reserve in the bootstrap's own static block, shared out
//! among them, so that both the dynamic and the initial-exec model reach them.
//!
//! The first word of a `__tls_get_addr` argument, which a dynamic linker would fill with a module's
//! number, holds the library's offset in the reserve: the address is one addition away.

use core::ptr;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering;

use crate::loader::TlsPlace;
use crate::loader::TlsTemplate;

/// Kept equal to `RESERVE_SIZE` and the alignment in glibc.c.
const SIZE: u64 = 16384;
const ALIGN: u64 = 64;

/// Libraries that one process can map: a handler and the layer's modules.
const MOST_TEMPLATES: usize = 8;

unsafe extern "C" {
    /// The reserve of the calling thread (glibc.c).
    safe fn pilotlight_tls_reserve() -> *mut u8;
}

struct Template {
    bytes: AtomicPtr<u8>,
    size: AtomicUsize,
    offset: AtomicUsize,
}

static TEMPLATES: [Template; MOST_TEMPLATES] = [const {
    Template {
        bytes: AtomicPtr::new(ptr::null_mut()),
        size: AtomicUsize::new(0),
        offset: AtomicUsize::new(0),
    }
}; MOST_TEMPLATES];
static TEMPLATE_COUNT: AtomicUsize = AtomicUsize::new(0);
static USED: AtomicUsize = AtomicUsize::new(0);

/// Sets room aside for a library; Err is how many bytes are left.
pub fn reserve(template: &TlsTemplate) -> Result<TlsPlace, u64> {
    let used = USED.load(Ordering::Relaxed) as u64;
    let left = SIZE - used;
    if template.align > ALIGN || TEMPLATE_COUNT.load(Ordering::Relaxed) == MOST_TEMPLATES {
        return Err(left);
    }
    // The compiler aligned each thread-local relative to the template's own address.
    let skew = template.address % template.align;
    let start = used.next_multiple_of(template.align) + skew;
    let end = start.checked_add(template.memory_size).filter(|&end| end <= SIZE).ok_or(left)?;
    USED.store(usize::try_from(end).unwrap_or(usize::MAX), Ordering::Relaxed);
    let reserve = pilotlight_tls_reserve().addr() as u64;
    let pointer = thread_pointer().addr() as u64;
    let thread_pointer_offset = reserve.wrapping_sub(pointer).wrapping_add(start);
    Ok(TlsPlace { module: start, thread_pointer_offset })
}

/// Has the `size` initial bytes at `address` copied into this thread's reserve, and into that of
/// every thread begun from now on.
pub fn register(address: u64, size: u64, place: TlsPlace) {
    let index = TEMPLATE_COUNT.load(Ordering::Relaxed);
    let template = &TEMPLATES[index];
    let number = |value: u64| usize::try_from(value).unwrap_or(0);
    template.bytes.store(ptr::with_exposed_provenance_mut(number(address)), Ordering::Relaxed);
    template.size.store(number(size), Ordering::Relaxed);
    template.offset.store(number(place.module), Ordering::Relaxed);
    TEMPLATE_COUNT.store(index + 1, Ordering::Release);
    initialise(template);
}

/// Gives a thread that has just begun its thread-locals' initial values.
pub fn begin_thread() {
    let count = TEMPLATE_COUNT.load(Ordering::Acquire);
    TEMPLATES.iter().take(count).for_each(initialise);
}

fn initialise(template: &Template) {
    let offset = template.offset.load(Ordering::Relaxed);
    let to = pilotlight_tls_reserve().wrapping_add(offset);
    let from = template.bytes.load(Ordering::Relaxed);
    // SAFETY: `reserve` has set these bytes of every thread's reserve aside for this library,
    // and the loader has checked that its template lies in a mapped segment.
    unsafe { ptr::copy_nonoverlapping(from, to, template.size.load(Ordering::Relaxed)) };
}

/// What compilers pass to `__tls_get_addr`: two slots that relocations have filled in.
#[repr(C)]
struct TlsIndex {
    module: usize,
    offset: usize,
}

/// `__tls_get_addr` of the x86-64 psABI.
///
/// # Safety
/// `index` points to a slot pair of a mapped library; its compiler keeps that promise.
#[unsafe(no_mangle)]
unsafe extern "C" fn pilotlight_tls_get_addr(index: *const TlsIndex) -> *mut u8 {
    // SAFETY: as the function's own contract.
    let index = unsafe { &*index };
    pilotlight_tls_reserve().wrapping_add(index.module).wrapping_add(index.offset)
}

/// The thread pointer: the psABI puts its own address at %fs:0.
fn thread_pointer() -> *mut u8 {
    let pointer;
    // SAFETY: reads one word that every thread has.
    unsafe { core::arch::asm!("mov {}, fs:0", out(reg) pointer, options(nostack, readonly)) };
    pointer
}
