//! The registers of an interrupted thread.

use crate::arch::Interrupted;

/// The distance from a return address to the stack pointer of its caller, in bytes: one, because a
/// call pushes the return address last.
pub const CALLER_DISTANCES: [usize; 1] = [8];

/// The place at which the signal interrupted its thread, from a handler's third argument.
pub fn interrupted_at(context: &libc::ucontext_t) -> Interrupted {
    let register = |index: i32| {
        let registers = &context.uc_mcontext.gregs;
        let value = usize::try_from(index).ok().and_then(|index| registers.get(index));
        usize::try_from(value.map_or(0, |value| value.cast_unsigned())).unwrap_or(0)
    };
    Interrupted {
        instruction: register(libc::REG_RIP),
        stack: register(libc::REG_RSP),
        frame: register(libc::REG_RBP),
        link: 0,
    }
}

/// Lets the thread continue at another instruction, with another stack pointer.
pub fn resume_at(context: &mut libc::ucontext_t, instruction: usize, stack: usize) {
    let mut set = |index: i32, value: usize| {
        let registers = &mut context.uc_mcontext.gregs;
        if let Some(register) = usize::try_from(index).ok().and_then(|at| registers.get_mut(at)) {
            *register = (value as u64).cast_signed();
        }
    };
    set(libc::REG_RIP, instruction);
    set(libc::REG_RSP, stack);
}
