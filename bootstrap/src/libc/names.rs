//! Names of hosts: looked up by the rest of the C library, which is mapped when the first is. Handlers
//! that may look names up do not pay for it in their cold start.

use core::ffi::c_char;
use core::ffi::c_int;

use super::more;

type GetAddrInfo = unsafe extern "C" fn(
    *const c_char,
    *const c_char,
    *const libc::addrinfo,
    *mut *mut libc::addrinfo,
) -> c_int;

/// `getaddrinfo`.
///
/// # Safety
/// As for `getaddrinfo`.
#[unsafe(no_mangle)]
unsafe extern "C" fn pilotlight_getaddrinfo(
    host: *const c_char,
    service: *const c_char,
    hints: *const libc::addrinfo,
    list: *mut *mut libc::addrinfo,
) -> c_int {
    let Some(function) = more::function(b"getaddrinfo") else {
        return libc::EAI_FAIL;
    };
    // SAFETY: the module defines it as the C library does.
    let function: GetAddrInfo = unsafe { core::mem::transmute(function) };
    // SAFETY: as the function's own contract.
    unsafe { function(host, service, hints, list) }
}
