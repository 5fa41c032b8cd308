//! The only file that knows the CPU: raw relocation numbers become a closed vocabulary.
//!
//! Source: System V psABI for x86-64, table 4.9. A new CPU is a new table of this shape.

/// `e_machine` of this build: EM_X86_64.
pub const MACHINE: u16 = 62;

/// `R_X86_64_RELATIVE`, which nearly all relocations of a library are: `B + A`.
pub const RELATIVE: u32 = 8;

/// What any other relocation asks for. `A` is its addend, `S` the symbol's address, `B` the base address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relocation {
    /// `S`: a slot of the global offset table.
    Slot,
    /// `S + A`: an address in data.
    Absolute,
    /// The module of a thread-local, for `__tls_get_addr`.
    TlsModule,
    /// The offset of a thread-local in its module.
    TlsOffset,
    /// The offset of a thread-local from the thread pointer.
    ThreadPointerOffset,
}

/// Translates a raw number other than [`RELATIVE`], or names what this loader deliberately does not do.
pub const fn relocation(kind: u32) -> Result<Relocation, &'static str> {
    match kind {
        1 => Ok(Relocation::Absolute),
        6 | 7 => Ok(Relocation::Slot),
        16 => Ok(Relocation::TlsModule),
        17 => Ok(Relocation::TlsOffset),
        18 => Ok(Relocation::ThreadPointerOffset),
        2 | 4 | 9..=11 => Err("a 32-bit address in a library that is not position-independent"),
        0 => Err("none, which linkers leave out"),
        5 => Err("R_X86_64_COPY, which only executables have"),
        36 => Err("R_X86_64_TLSDESC (compile with -mtls-dialect=gnu)"),
        37 => Err("R_X86_64_IRELATIVE (an indirect function)"),
        _ => Err("unknown"),
    }
}

/// A CPU's name as Lambda and people spell it.
pub const fn machine_name(machine: u16) -> &'static str {
    match machine {
        3 => "32-bit x86",
        40 => "32-bit Arm",
        62 => "x86_64",
        183 => "arm64",
        243 => "RISC-V",
        _ => "an unknown CPU",
    }
}
