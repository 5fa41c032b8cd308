//! Source: ELF for the Arm 64-bit Architecture, "Relocation", with the numbers of glibc's `elf.h`
//! where that document leaves a choice (thread-locals).

use super::Extension;
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

/// Instructions by their fixed bits: a mask, and the bits under it. Source: Arm Architecture
/// Reference Manual, chapters C4 and C8.
type Pattern = (u32, u32);

/// All of SVE's instructions.
const SVE: Pattern = (0x1e00_0000, 0x0400_0000);
/// `ptrue`: nearly all loops over vectors begin with it.
const PTRUE: Pattern = (0xff3f_fc10, 0x2518_e000);
/// `cntb` to `cntd`: the number of elements in a vector.
const CNT: Pattern = (0xff30_fc00, 0x0420_e000);
/// `incb` to `incd`, which add it.
const INC: Pattern = (0xff30_fc00, 0x0430_e000);
/// `mrs`, from the registers that describe the processor. The kernel answers for it.
const MRS_ID_AA64: Pattern = (0xffff_fc00, 0xd538_0400);

fn has_instruction(code: &[u8], patterns: &[Pattern]) -> bool {
    let mut words = code.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes));
    words.any(|word| patterns.iter().any(|(mask, bits)| word & mask == *bits))
}

/// The CPU of Graviton.
#[derive(Debug)]
pub enum Aarch64 {}

impl Machine for Aarch64 {
    const NUMBER: u16 = 183;
    const NAME: &'static str = "arm64";
    const LINKER: &'static str = "ld-linux-aarch64.so.1";
    const RELATIVE: u32 = R_AARCH64_RELATIVE;

    const EXTENSION: &'static Extension =
        &Extension { name: "SVE", remedy: "-C target-cpu=neoverse-n1 (in C: -mcpu=neoverse-n1)" };

    fn has_extension(code: &[u8]) -> Option<bool> {
        // Data among code may look like any instruction of SVE, though hardly like these.
        let is_sure = has_instruction(code, &[PTRUE, CNT, INC]);
        if is_sure || !has_instruction(code, &[SVE]) { Some(is_sure) } else { None }
    }

    fn asks_processor(code: &[u8]) -> bool {
        has_instruction(code, &[MRS_ID_AA64])
    }

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

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// The words stand as GNU's assembler encodes them.
    #[test]
    fn instructions_are_told_from_data() {
        let code =
            |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
        let (fmul, ret, ptrue, cntd, ld1d) =
            (0x6e62_dc21, 0xd65f_03c0, 0x2598_e3e0, 0x04e0_e3e3, 0xa5e0_4020);
        assert_eq!(Aarch64::has_extension(&code(&[fmul, ret, 0])), Some(false));
        assert_eq!(Aarch64::has_extension(&code(&[ld1d, ptrue])), Some(true));
        assert_eq!(Aarch64::has_extension(&code(&[ld1d, cntd])), Some(true));
        assert_eq!(Aarch64::has_extension(&code(&[ret, ld1d])), None);
        let mrs_id_aa64pfr0_el1 = 0xd538_0400;
        assert!(Aarch64::asks_processor(&code(&[ret, mrs_id_aa64pfr0_el1])));
        let mrs_tpidr_el0 = 0xd53b_d041;
        assert!(!Aarch64::asks_processor(&code(&[ret, mrs_tpidr_el0])));
    }
}
