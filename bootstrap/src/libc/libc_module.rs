//! The rest of the C library: the layer's `pilotlight/libc.so`, mapped when the first library refers
//! to something in it. Others do not pay for it.

use core::ptr;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::AtomicU8;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering;

use super::dl;
use super::export;
use super::tls;
use crate::loader::Library;
use crate::loader::Provider;
use crate::loader::TlsPlace;
use crate::loader::TlsTemplate;
use crate::module;
use crate::sys;

/// Relative to the folder that the bootstrap is in.
pub const NAME: &str = "pilotlight/libc.so";
/// Something that it certainly defines.
const ENTRY: &str = "pow";

static MODULE: AtomicPtr<Library> = AtomicPtr::new(ptr::null_mut());
static STATE: AtomicU8 = AtomicU8::new(UNTRIED);
const UNTRIED: u8 = 0;
const LOADING: u8 = 1;
const DONE: u8 = 2;

/// The address of one of its symbols; the first call maps it, on any thread.
pub fn symbol(name: &[u8]) -> Option<u64> {
    while STATE.load(Ordering::Acquire) != DONE {
        if STATE.compare_exchange(UNTRIED, LOADING, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            if let Some((path, library)) = module::map(NAME, &Core, ENTRY, 1) {
                MODULE.store(ptr::from_ref(library).cast_mut(), Ordering::Relaxed);
                dl::register(&path, library);
                allow_cancellation(library);
            }
            STATE.store(DONE, Ordering::Release);
        } else {
            sys::pause(1);
        }
    }
    // SAFETY: null, or a library that was kept for good.
    unsafe { MODULE.load(Ordering::Relaxed).as_ref() }?.symbol(name)
}

/// Has every system call in which a thread can be cancelled made by the module, which cancels threads.
fn allow_cancellation(library: &Library) {
    unsafe extern "C" {
        /// The function that makes them (threads.c), 0 for none.
        safe static pilotlight_cancellable: AtomicUsize;
    }
    let function = library.symbol(b"pilotlight_syscall_cp").unwrap_or(0);
    pilotlight_cancellable.store(usize::try_from(function).unwrap_or(0), Ordering::Relaxed);
}

/// One of its functions, to be called as the C library declares it; None without the module.
pub fn function(name: &[u8]) -> Option<*const ()> {
    let address = usize::try_from(symbol(name)?).ok()?;
    Some(ptr::with_exposed_provenance(address))
}

/// This process without the module, to the module.
struct Core;

impl Provider for Core {
    fn symbol(&self, hash: u64) -> Option<u64> {
        export(hash)
    }

    fn rare_symbol(&self, _name: &[u8]) -> Option<u64> {
        None
    }

    fn reserve_tls(&self, template: &TlsTemplate) -> TlsPlace {
        tls::reserve(template)
    }
}
