//! Lazy binding, for functions of `pilotlight/libc.so` that many handlers refer to and few call
//! while they start: each is bound at its first call, so that a cold start need not map the module.
//!
//! A handler is linked to a stub, which jumps to the address in its slot: initially to
//! [`pilotlight_resolve_lazy`], and after the first call to the function itself, as in the
//! procedure linkage table of the psABI. `build.rs` generates the slots and stubs for the lines of
//! `exports.txt` that say `lazy`.

use alloc::string::String;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering;

use super::libc_module;
use super::table;
use crate::log;
use crate::sys;

/// The target of the first call of each lazy function. The stack holds the function's number, then
/// the return address; the registers hold the function's arguments (psABI 3.2.3), which it keeps.
#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn pilotlight_resolve_lazy() {
    core::arch::naked_asm!(
        "push rax",
        "push rdi",
        "push rsi",
        "push rdx",
        "push rcx",
        "push r8",
        "push r9",
        "sub rsp, 136",
        "movups [rsp], xmm0",
        "movups [rsp + 16], xmm1",
        "movups [rsp + 32], xmm2",
        "movups [rsp + 48], xmm3",
        "movups [rsp + 64], xmm4",
        "movups [rsp + 80], xmm5",
        "movups [rsp + 96], xmm6",
        "movups [rsp + 112], xmm7",
        "mov rdi, [rsp + 192]",
        "call {resolve}",
        "mov r11, rax",
        "movups xmm0, [rsp]",
        "movups xmm1, [rsp + 16]",
        "movups xmm2, [rsp + 32]",
        "movups xmm3, [rsp + 48]",
        "movups xmm4, [rsp + 64]",
        "movups xmm5, [rsp + 80]",
        "movups xmm6, [rsp + 96]",
        "movups xmm7, [rsp + 112]",
        "add rsp, 136",
        "pop r9",
        "pop r8",
        "pop rcx",
        "pop rdx",
        "pop rsi",
        "pop rdi",
        "pop rax",
        // Drops the function's number.
        "add rsp, 8",
        "jmp r11",
        resolve = sym resolve,
    )
}

/// Looks up the function with this number, stores its address in its slot and returns it.
extern "C" fn resolve(number: usize) -> usize {
    let errno = sys::errno();
    let name = table::LAZY_NAMES.split(|&byte| byte == 0).nth(number).unwrap_or_default();
    let Some(function) = libc_module::function(name) else {
        let name = String::from_utf8_lossy(name);
        log::error(format_args!("the handler calls `{name}`, which is in {}", libc_module::NAME));
        // SAFETY: there is nothing to go on with, nor a way to say so to the caller.
        unsafe { libc::abort() };
    };
    let slot: &AtomicUsize = &table::pilotlight_lazy_slots[number];
    slot.store(function.addr(), Ordering::Relaxed);
    sys::set_errno(errno);
    function.addr()
}
