//! The only file that knows the CPU: raw relocation numbers become a closed vocabulary.
//!
//! Source: System V psABI for x86-64, table 4.9. A new CPU is a new table of this shape.

const EM_386: u16 = 3;
const EM_ARM: u16 = 40;
const EM_X86_64: u16 = 62;
const EM_AARCH64: u16 = 183;
const EM_RISCV: u16 = 243;

const R_X86_64_NONE: u32 = 0;
const R_X86_64_64: u32 = 1;
const R_X86_64_PC32: u32 = 2;
const R_X86_64_PLT32: u32 = 4;
const R_X86_64_COPY: u32 = 5;
const R_X86_64_GLOB_DAT: u32 = 6;
const R_X86_64_JUMP_SLOT: u32 = 7;
const R_X86_64_RELATIVE: u32 = 8;
const R_X86_64_GOTPCREL: u32 = 9;
const R_X86_64_32S: u32 = 11;
const R_X86_64_DTPMOD64: u32 = 16;
const R_X86_64_DTPOFF64: u32 = 17;
const R_X86_64_TPOFF64: u32 = 18;
const R_X86_64_TLSDESC: u32 = 36;
const R_X86_64_IRELATIVE: u32 = 37;

/// `e_machine` of this build.
pub const MACHINE: u16 = EM_X86_64;

/// The kind of nearly all relocations of a library: `B + A`.
pub const RELATIVE: u32 = R_X86_64_RELATIVE;

/// A relocation that this loader deliberately does not apply.
#[derive(Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// Its name.
    pub name: &'static str,
    /// The remedy: compiler or linker options, or another layer.
    pub remedy: &'static str,
}

/// A symbol whose address is what a function of the library returns.
pub const INDIRECT_FUNCTION: &Unsupported =
    &Unsupported { name: "an indirect function", remedy: "build the library without ifunc" };

/// The value of any other relocation. `A` is its addend, `S` the symbol's address.
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

/// Translates a raw number other than [`RELATIVE`].
pub const fn relocation(kind: u32) -> Result<Relocation, &'static Unsupported> {
    match kind {
        R_X86_64_64 => Ok(Relocation::Absolute),
        R_X86_64_GLOB_DAT | R_X86_64_JUMP_SLOT => Ok(Relocation::Slot),
        R_X86_64_DTPMOD64 => Ok(Relocation::TlsModule),
        R_X86_64_DTPOFF64 => Ok(Relocation::TlsOffset),
        R_X86_64_TPOFF64 => Ok(Relocation::ThreadPointerOffset),
        R_X86_64_PC32 | R_X86_64_PLT32 | R_X86_64_GOTPCREL..=R_X86_64_32S => {
            Err(&Unsupported { name: "a 32-bit address", remedy: "compile the library with -fPIC" })
        }
        R_X86_64_NONE => Err(&Unsupported {
            name: "R_X86_64_NONE",
            remedy: "link the library with another linker",
        }),
        R_X86_64_COPY => {
            Err(&Unsupported { name: "R_X86_64_COPY", remedy: "link the library with -shared" })
        }
        R_X86_64_TLSDESC => Err(&Unsupported {
            name: "R_X86_64_TLSDESC",
            remedy: "compile the library with -mtls-dialect=gnu",
        }),
        R_X86_64_IRELATIVE => Err(INDIRECT_FUNCTION),
        _ => Err(&Unsupported { name: "an unknown relocation", remedy: "use a newer layer" }),
    }
}

/// A CPU's name, as Lambda and the CPU's makers spell it.
pub const fn machine_name(machine: u16) -> &'static str {
    match machine {
        EM_386 => "32-bit x86",
        EM_ARM => "32-bit Arm",
        EM_X86_64 => "x86_64",
        EM_AARCH64 => "arm64",
        EM_RISCV => "RISC-V",
        _ => "an unknown CPU",
    }
}
