//! Addresses of hosts.

use alloc::vec::Vec;
use core::ffi::CStr;
use core::ffi::c_char;
use core::ffi::c_int;
use core::ffi::c_void;
use core::net::SocketAddr;
use core::ptr;

unsafe extern "C" {
    /// In the executable, the function that handlers get (libc/).
    #[cfg_attr(feature = "static", link_name = "pilotlight_lazy_getaddrinfo")]
    fn getaddrinfo(
        host: *const c_char,
        service: *const c_char,
        hints: *const libc::addrinfo,
        list: *mut *mut libc::addrinfo,
    ) -> c_int;
    fn inet_pton(family: c_int, text: *const c_char, address: *mut c_void) -> c_int;
}

/// Parses a numeric address; None for a name. (With the C library's function, which is linked
/// anyway.)
pub fn numeric_address(host: &CStr, port: u16) -> Option<SocketAddr> {
    let mut v4 = [0u8; 4];
    // SAFETY: `host` ends with NUL, and `v4` holds an IPv4 address.
    if unsafe { inet_pton(libc::AF_INET, host.as_ptr(), v4.as_mut_ptr().cast()) } == 1 {
        return Some(SocketAddr::from((v4, port)));
    }
    let mut v6 = [0u8; 16];
    // SAFETY: `host` ends with NUL, and `v6` holds an IPv6 address.
    let is_v6 = unsafe { inet_pton(libc::AF_INET6, host.as_ptr(), v6.as_mut_ptr().cast()) };
    (is_v6 == 1).then(|| SocketAddr::from((v6, port)))
}

/// Resolves a host name with the system's resolver; empty if that fails.
pub fn resolve(host: &CStr, port: u16) -> Vec<SocketAddr> {
    // SAFETY: zeros are hints without restrictions.
    let mut hints: libc::addrinfo = unsafe { core::mem::zeroed() };
    hints.ai_socktype = libc::SOCK_STREAM;
    let mut list = ptr::null_mut();
    // SAFETY: `host` ends with NUL, and `list` receives the result; it stays null on failure.
    unsafe { getaddrinfo(host.as_ptr(), ptr::null(), &raw const hints, &raw mut list) };
    let mut addresses = Vec::new();
    let mut next: *const libc::addrinfo = list;
    // SAFETY: null, or an entry of the list, which is freed below.
    while let Some(entry) = unsafe { next.as_ref() } {
        next = entry.ai_next;
        addresses.push(match entry.ai_family {
            libc::AF_INET => {
                // SAFETY: an entry of this family holds an IPv4 socket address.
                let found = unsafe { *entry.ai_addr.cast::<libc::sockaddr_in>() };
                SocketAddr::from((found.sin_addr.s_addr.to_ne_bytes(), port))
            }
            libc::AF_INET6 => {
                // SAFETY: an entry of this family holds an IPv6 socket address.
                let found = unsafe { *entry.ai_addr.cast::<libc::sockaddr_in6>() };
                SocketAddr::from((found.sin6_addr.s6_addr, port))
            }
            _ => continue,
        });
    }
    if !list.is_null() {
        // SAFETY: `list` came from getaddrinfo and is not used again.
        unsafe { libc::freeaddrinfo(list) };
    }
    addresses
}
