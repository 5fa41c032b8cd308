//! The registers of an interrupted thread.

use crate::arch::Interrupted;

/// The distances from a return address on the stack to the stack pointer of its caller, in bytes:
/// it is saved in the second word of a frame, whose size the stack does not tell.
pub const CALLER_DISTANCES: [usize; 8] = [8, 24, 40, 56, 72, 88, 104, 120];

/// The place at which the signal interrupted its thread, from a handler's third argument.
pub fn interrupted_at(context: &libc::ucontext_t) -> Interrupted {
    let address = |register: u64| usize::try_from(register).unwrap_or(0);
    let registers = &context.uc_mcontext;
    Interrupted {
        instruction: address(registers.pc),
        stack: address(registers.sp),
        frame: address(registers.regs[29]),
        link: address(registers.regs[30]),
    }
}

/// Lets the thread continue at another instruction, with another stack pointer.
pub fn resume_at(context: &mut libc::ucontext_t, instruction: usize, stack: usize) {
    context.uc_mcontext.pc = instruction as u64;
    context.uc_mcontext.sp = stack as u64;
}
