//! The registers of an interrupted thread.

use crate::arch::Interrupted;

/// The place at which the signal interrupted its thread, from a handler's third argument.
pub fn interrupted_at(context: &libc::ucontext_t) -> Interrupted {
    let address = |register: u64| usize::try_from(register).unwrap_or(0);
    let registers = &context.uc_mcontext;
    Interrupted { instruction: address(registers.pc), stack: address(registers.sp) }
}
