//! Lazy binding, for functions of `pilotlight/libc.so` that many handlers refer to and few call
//! while they start: each is bound at its first call, so that a cold start need not map the module.
//!
//! A handler is linked to a stub, which jumps to the address in its slot: initially to code that
//! calls [`pilotlight_bind_lazy`], and after the first call to the function itself. `build.rs`
//! lists the stubs, for the lines of `exports.txt` that say `lazy`; each CPU has the macro that
//! they are instances of (`lazy.s` in [`crate::arch`]).

use alloc::string::String;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering;

use super::libc_module;
use super::table;
use crate::errno::Errno;
use crate::log;

/// Looks up the function with this number, stores its address in its slot and returns it to
/// `lazy.s`.
#[unsafe(no_mangle)]
extern "C" fn pilotlight_bind_lazy(number: usize) -> usize {
    let errno = Errno::last();
    let name = table::LAZY_NAMES.split(|&byte| byte == 0).nth(number).unwrap_or_default();
    let Some(function) = libc_module::function(name) else {
        let name = String::from_utf8_lossy(name);
        log::error(format_args!(
            "the handler calls `{name}`, which is in {}",
            libc_module::FILE.path
        ));
        // SAFETY: there is nothing to go on with, nor a way to say so to the caller.
        unsafe { libc::abort() };
    };
    let slot: &AtomicUsize = &table::pilotlight_lazy_slots[number];
    slot.store(function.addr(), Ordering::Relaxed);
    errno.set();
    function.addr()
}
