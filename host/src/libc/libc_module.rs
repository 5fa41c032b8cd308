//! The rest of the C library: the layer's `pilotlight/libc.so`, mapped when the first library
//! refers to a symbol in it. Handlers that need none of its symbols do not pay for it.

use core::ptr;
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
use crate::module::Module;
use crate::sync::once::Once;
use crate::sync::once::OnceBox;

/// The module.
pub const FILE: Module = Module { path: "pilotlight/libc.so", part: |package| package.libc };
/// A symbol that the module always defines.
const ENTRY: &str = "pow";

static MAPPED: Once = Once::untried();
static MODULE: OnceBox<Library> = OnceBox::empty();

/// The address of one of the module's symbols. The first call, on any thread, maps the module.
pub fn symbol(name: &[u8]) -> Option<u64> {
    MAPPED.run(|| {
        if let Some((path, library)) = module::map(&FILE, &Core, ENTRY, 1) {
            MODULE.keep(library);
            dl::register(&path, library);
            allow_cancellation(library);
        }
    });
    MODULE.get()?.symbol(name)
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

    fn tls_descriptor(&self, place: TlsPlace, offset: u64) -> [u64; 2] {
        tls::descriptor(place, offset)
    }
}
