//! `dlsym`, `dlopen` and `dlclose`.

use core::ffi::CStr;
use core::ffi::c_char;
use core::ffi::c_int;
use core::ffi::c_void;
use core::ptr;

use pilotlight_loader::symbol_hash;

use super::dl;
use super::libc_module;

unsafe extern "C" {
    /// Makes the thread's next `dlerror` report that nothing was found (glibc.c).
    safe fn pilotlight_dl_failed();
}

/// `dlsym`, over the bootstrap's exports, the libraries and the rest of the C library. Portable
/// code asks with it whether a function exists.
///
/// # Safety
/// `name` ends with NUL.
#[unsafe(no_mangle)]
unsafe extern "C" fn pilotlight_dlsym(_library: *mut c_void, name: *const c_char) -> *mut c_void {
    // SAFETY: as the function's own contract.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    let found = super::export(symbol_hash(name))
        .or_else(|| dl::symbol(name))
        .or_else(|| libc_module::symbol(name));
    if found.is_none() {
        pilotlight_dl_failed();
    }
    let address = usize::try_from(found.unwrap_or(0)).unwrap_or(0);
    ptr::with_exposed_provenance_mut(address)
}

/// `dlopen`, which opens nothing: a handler is one library.
#[unsafe(no_mangle)]
extern "C" fn pilotlight_dlopen(path: *const c_char, _mode: c_int) -> *mut c_void {
    // A null path asks for the process itself, whose symbols `dlsym` finds.
    if path.is_null() {
        return ptr::without_provenance_mut(1);
    }
    pilotlight_dl_failed();
    ptr::null_mut()
}

/// `dlclose`, which does nothing: libraries stay mapped.
#[unsafe(no_mangle)]
extern "C" fn pilotlight_dlclose(_library: *mut c_void) -> c_int {
    0
}
