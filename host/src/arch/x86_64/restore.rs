//! The end of a signal handler.

use core::arch::naked_asm;

/// Returns from a signal handler to the interrupted code: the kernel makes each handler return to
/// here. (rt_sigreturn is 15. The unwinder knows a handler's frame by these instructions.)
///
/// # Safety
/// Only the kernel may call it, at the end of a handler.
#[unsafe(naked)]
pub unsafe extern "C" fn restore() -> ! {
    naked_asm!("mov rax, 15", "syscall")
}
