//! The CPU: all that differs between one and another.
//!
//! Each CPU has a folder here, named as Rust names it, with one vocabulary:
//!
//! - `vector.rs`: [`Block`], sixteen bytes at a time, and [`Matches`], the indices that it finds;
//! - `signal.rs`: [`interrupted_at`] and [`resume_at`], of the registers that a signal handler is
//!   given, and [`CALLER_DISTANCES`];
//! - `restore.rs`: [`restore`], to which signal handlers return;
//! - `lazy.s`: the macro `lazy`, a stub that is bound at its first call ([`crate::libc`]);
//! - `tls_descriptor.s`: the functions of thread-local descriptors ([`crate::libc`]);
//! - `once.s`: `pthread_once`, with a frame that an exception may pass;
//! - `walk.s`: the start of a walk along a stack ([`crate::libc`]);
//! - `cpu.h`: the facts about the CPU that the C files in `src/libc` need;
//! - `*.c`: `memcpy`, `memmove`, `memset` and `memcmp` where musl's are slow;
//! - `memory.ld`: these four, and musl's where they are not, for the executable's layout.
//!
//! The build script compiles and assembles the folder of the CPU that Cargo names.

#[cfg(target_arch = "aarch64")]
#[path = "aarch64/mod.rs"]
mod cpu;
#[cfg(target_arch = "x86_64")]
#[path = "x86_64/mod.rs"]
mod cpu;

pub use self::cpu::restore::restore;
pub use self::cpu::signal::CALLER_DISTANCES;
pub use self::cpu::signal::interrupted_at;
pub use self::cpu::signal::resume_at;
pub use self::cpu::vector::Block;
pub use self::cpu::vector::Matches;

/// The place at which a signal interrupted a thread.
#[derive(Clone, Copy, Debug)]
pub struct Interrupted {
    /// The address of the instruction.
    pub instruction: usize,
    /// The stack pointer.
    pub stack: usize,
    /// The frame pointer, or another value in its register.
    pub frame: usize,
    /// The register that a call leaves its return address in; 0 if the CPU has none.
    pub link: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    fn numbers(wanted: u8) -> Matches {
        Block::new(&NUMBERS).equal(Block::all(wanted)).matches()
    }

    #[test]
    fn each_byte_is_compared_with_that_at_its_index() {
        for wanted in 0..16 {
            assert_eq!(numbers(wanted).first(), Some(usize::from(wanted)));
        }
        assert_eq!(numbers(16).first(), None);
        assert_eq!(Block::all(0x80).equal(Block::all(0x80)).matches().first(), Some(0));
    }

    #[test]
    fn comparisons_are_combined() {
        let is = |wanted| Block::new(&NUMBERS).equal(Block::all(wanted));
        assert_eq!(is(3).or(is(9)).matches().first(), Some(3));
        assert_eq!(is(9).and(is(9)).matches().first(), Some(9));
        assert_eq!(is(3).and(is(9)).matches().first(), None);
    }

    #[test]
    fn earlier_matches_can_be_passed_over() {
        for wanted in 0..16 {
            let from = |index| numbers(wanted).from(index).first();
            let wanted = usize::from(wanted);
            assert_eq!((from(wanted), from(wanted + 1)), (Some(wanted), None));
        }
    }
}
