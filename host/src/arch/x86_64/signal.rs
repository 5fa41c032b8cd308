//! The registers of an interrupted thread.

use crate::arch::Interrupted;

/// The place at which the signal interrupted its thread, from a handler's third argument.
pub fn interrupted_at(context: &libc::ucontext_t) -> Interrupted {
    let register = |index: i32| {
        let registers = &context.uc_mcontext.gregs;
        let value = usize::try_from(index).ok().and_then(|index| registers.get(index));
        usize::try_from(value.map_or(0, |value| value.cast_unsigned())).unwrap_or(0)
    };
    Interrupted { instruction: register(libc::REG_RIP), stack: register(libc::REG_RSP) }
}
