//! The rest of the C library: the layer's `pilotlight/libc.so`, mapped when the first library
//! refers to a symbol in it. Handlers that need none of its symbols do not pay for it.

use core::ptr;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::AtomicU8;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering;

use pilotlight_loader::Provider;
use pilotlight_loader::TlsPlace;
use pilotlight_loader::TlsTemplate;

use super::dl;
use super::export;
use super::tls;
use crate::map::Library;
use crate::module;
use crate::sys;

/// The module's path, relative to the bootstrap's folder.
pub const NAME: &str = "pilotlight/libc.so";
/// A symbol that the module always defines.
const ENTRY: &str = "pow";

static MODULE: AtomicPtr<Library> = AtomicPtr::new(ptr::null_mut());
static STATE: AtomicU8 = AtomicU8::new(UNTRIED);
const UNTRIED: u8 = 0;
const LOADING: u8 = 1;
const DONE: u8 = 2;

/// The address of one of the module's symbols. The first call, on any thread, maps the module.
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
    // SAFETY: null, or a library that stays mapped forever.
    unsafe { MODULE.load(Ordering::Relaxed).as_ref() }?.symbol(name)
}

/// Routes the system calls in which a thread can be cancelled through the module, which implements
/// cancellation.
fn allow_cancellation(library: &Library) {
    unsafe extern "C" {
        /// The module's function that makes these calls, 0 for none (threads.c).
        safe static pilotlight_cancellable: AtomicUsize;
    }
    let function = library.symbol(b"pilotlight_syscall_cp").unwrap_or(0);
    pilotlight_cancellable.store(usize::try_from(function).unwrap_or(0), Ordering::Relaxed);
}

/// One of the module's functions, to be called as the C library declares it; None without the
/// module.
pub fn function(name: &[u8]) -> Option<*const ()> {
    let address = usize::try_from(symbol(name)?).ok()?;
    Some(ptr::with_exposed_provenance(address))
}

/// The bootstrap's own symbols, for the module: it must not resolve its imports through itself.
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
