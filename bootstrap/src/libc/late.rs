//! Functions of the rest of the C library that many handlers refer to and few call at their start: each is
//! bound when it is first called, and a cold start does not pay for mapping `pilotlight/libc.so`.
//!
//! To handlers, such a function is a jump to where its slot says: first to [`pilotlight_bind_first`], and from then on
//! to the function itself, as in the procedure linkage table of the psABI. `build.rs` makes the slots and
//! the jumps of those lines of `exports.txt` that say `late`.

use alloc::format;
use alloc::string::String;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering;

use super::more;
use super::table;
use crate::log;
use crate::sys;

/// Where the first call of every such function arrives: on the stack are the function's number and the
/// address to return to, and in the registers whatever the function's arguments are (psABI 3.2.3).
#[unsafe(no_mangle)]
#[unsafe(naked)]
unsafe extern "C" fn pilotlight_bind_first() {
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
        "call {bind}",
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
        // The function's number.
        "add rsp, 8",
        "jmp r11",
        bind = sym bind,
    )
}

/// The address of the function with this number, which its slot has from now on.
extern "C" fn bind(number: usize) -> usize {
    let errno = sys::errno();
    let name = table::LATE_NAMES.split(|&byte| byte == 0).nth(number).unwrap_or_default();
    let Some(function) = more::function(name) else {
        let name = String::from_utf8_lossy(name);
        let message = format!("the handler calls `{name}`, which is in {}", more::NAME);
        log::error(&message);
        // SAFETY: there is nothing to go on with, nor a way to say so to the caller.
        unsafe { libc::abort() };
    };
    let slot: &AtomicUsize = &table::pilotlight_late_slots[number];
    slot.store(function.addr(), Ordering::Relaxed);
    sys::set_errno(errno);
    function.addr()
}
