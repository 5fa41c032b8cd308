//! Source: System V psABI for x86-64, table 4.9.

mod instructions;

use super::Extension;
use super::INDIRECT_FUNCTION;
use super::Machine;
use super::Relocation;
use super::SHORT_ADDRESS;
use super::ThreadLocal;
use super::UNKNOWN;
use super::Unsupported;

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

/// The instruction that says which extensions the processor has.
const CPUID: [u8; 2] = [0x0f, 0xa2];

/// The CPU of Intel and AMD.
#[derive(Debug)]
pub enum X86_64 {}

impl Machine for X86_64 {
    const NUMBER: u16 = 62;
    const NAME: &'static str = "x86_64";
    const LINKER: &'static str = "ld-linux-x86-64.so.2";
    const RELATIVE: u32 = R_X86_64_RELATIVE;

    const EXTENSION: &'static Extension =
        &Extension { name: "AVX-512", remedy: "-C target-cpu=x86-64-v3 (in C: -march=x86-64-v3)" };

    fn has_extension(mut code: &[u8]) -> Option<bool> {
        let mut found = false;
        while !code.is_empty() {
            let instruction = instructions::first(code)?;
            found |= instruction.is_evex;
            code = &code[instruction.size..];
        }
        Some(found)
    }

    fn asks_processor(code: &[u8]) -> bool {
        code.windows(CPUID.len()).any(|bytes| bytes == CPUID)
    }

    fn relocation(kind: u32) -> Result<Relocation, &'static Unsupported> {
        match kind {
            R_X86_64_64 => Ok(Relocation::Absolute),
            R_X86_64_GLOB_DAT | R_X86_64_JUMP_SLOT => Ok(Relocation::Slot),
            R_X86_64_DTPMOD64 => Ok(Relocation::ThreadLocal(ThreadLocal::Module)),
            R_X86_64_DTPOFF64 => Ok(Relocation::ThreadLocal(ThreadLocal::Offset)),
            R_X86_64_TPOFF64 => Ok(Relocation::ThreadLocal(ThreadLocal::ThreadPointerOffset)),
            R_X86_64_TLSDESC => Ok(Relocation::ThreadLocal(ThreadLocal::Descriptor)),
            R_X86_64_PC32 | R_X86_64_PLT32 | R_X86_64_GOTPCREL..=R_X86_64_32S => Err(SHORT_ADDRESS),
            R_X86_64_NONE => Err(&Unsupported {
                name: "R_X86_64_NONE",
                remedy: "link the library with another linker",
            }),
            R_X86_64_COPY => {
                Err(&Unsupported { name: "R_X86_64_COPY", remedy: "link the library with -shared" })
            }
            R_X86_64_IRELATIVE => Err(INDIRECT_FUNCTION),
            _ => Err(UNKNOWN),
        }
    }
}
