//! Source: ELF for the Arm 64-bit Architecture, "Relocation", with the numbers of glibc's `elf.h`
//! where that document leaves a choice (thread-locals).

use super::INDIRECT_FUNCTION;
use super::Machine;
use super::Relocation;
use super::SHORT_ADDRESS;
use super::ThreadLocal;
use super::UNKNOWN;
use super::Unsupported;

const R_AARCH64_NONE: u32 = 0;
/// Another number for nothing, which older linkers write.
const R_AARCH64_NONE_WITHDRAWN: u32 = 256;
const R_AARCH64_ABS64: u32 = 257;
const R_AARCH64_ABS32: u32 = 258;
const R_AARCH64_PREL32: u32 = 261;
const R_AARCH64_COPY: u32 = 1024;
const R_AARCH64_GLOB_DAT: u32 = 1025;
const R_AARCH64_JUMP_SLOT: u32 = 1026;
const R_AARCH64_RELATIVE: u32 = 1027;
const R_AARCH64_TLS_DTPMOD64: u32 = 1028;
const R_AARCH64_TLS_DTPREL64: u32 = 1029;
const R_AARCH64_TLS_TPREL64: u32 = 1030;
const R_AARCH64_TLSDESC: u32 = 1031;
const R_AARCH64_IRELATIVE: u32 = 1032;

/// The CPU of Graviton.
#[derive(Debug)]
pub enum Aarch64 {}

impl Machine for Aarch64 {
    const NUMBER: u16 = 183;
    const NAME: &'static str = "arm64";
    const LINKER: &'static str = "ld-linux-aarch64.so.1";
    const RELATIVE: u32 = R_AARCH64_RELATIVE;

    fn relocation(kind: u32) -> Result<Relocation, &'static Unsupported> {
        match kind {
            R_AARCH64_NONE | R_AARCH64_NONE_WITHDRAWN => Ok(Relocation::Nothing),
            // Slots have addends here.
            R_AARCH64_ABS64 | R_AARCH64_GLOB_DAT | R_AARCH64_JUMP_SLOT => Ok(Relocation::Absolute),
            R_AARCH64_TLS_DTPMOD64 => Ok(Relocation::ThreadLocal(ThreadLocal::Module)),
            R_AARCH64_TLS_DTPREL64 => Ok(Relocation::ThreadLocal(ThreadLocal::Offset)),
            R_AARCH64_TLS_TPREL64 => Ok(Relocation::ThreadLocal(ThreadLocal::ThreadPointerOffset)),
            R_AARCH64_TLSDESC => Ok(Relocation::ThreadLocal(ThreadLocal::Descriptor)),
            R_AARCH64_ABS32 | R_AARCH64_PREL32 => Err(SHORT_ADDRESS),
            R_AARCH64_COPY => Err(&Unsupported {
                name: "R_AARCH64_COPY",
                remedy: "link the library with -shared",
            }),
            R_AARCH64_IRELATIVE => Err(INDIRECT_FUNCTION),
            _ => Err(UNKNOWN),
        }
    }
}
