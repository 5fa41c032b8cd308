//! Calls a library's constructors and destructors, by their addresses. Private to [`super`], which
//! passes only addresses that the loader has checked to lie in the library's executable segments.

use core::ffi::c_char;
use core::ffi::c_int;
use core::ptr;

use crate::environ::Arguments;

/// Calls the constructors in order, as a dynamic linker would.
pub(super) fn construct(addresses: &[u64], arguments: &Arguments) {
    type Constructor = unsafe extern "C" fn(c_int, *const *const c_char, *const *const c_char);
    for &address in addresses {
        // SAFETY: the file declares this address in its code a constructor.
        let constructor: Constructor = unsafe { core::mem::transmute(pointer(address)) };
        // SAFETY: the caller of `Library::construct` has registered the library, so its code may
        // run.
        unsafe { constructor(arguments.argc, arguments.argv, arguments.envp) };
    }
}

/// Calls the destructors in order.
pub(super) fn destroy(addresses: &[u64]) {
    for &address in addresses {
        // SAFETY: the file declares this address in its code a destructor.
        let destructor: extern "C" fn() = unsafe { core::mem::transmute(pointer(address)) };
        destructor();
    }
}

fn pointer(address: u64) -> *const () {
    ptr::with_exposed_provenance(usize::try_from(address).unwrap_or(0))
}
