//! The lengths of instructions, as far as it takes to go through a compiler's code.
//!
//! Source: Intel's Software Developer's Manual, volume 2, chapter 2 and appendix A.

/// One instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Bytes.
    pub size: usize,
    /// Whether it has the prefix of AVX-512.
    pub is_evex: bool,
}

/// The bytes after an opcode.
#[derive(Clone, Copy)]
struct Operands {
    has_modrm: bool,
    /// Bytes of a constant.
    constant: usize,
}

const NONE: Operands = Operands { has_modrm: false, constant: 0 };
const MODRM: Operands = Operands { has_modrm: true, constant: 0 };
const MODRM_BYTE: Operands = Operands { has_modrm: true, constant: 1 };

const fn constant(size: usize) -> Operands {
    Operands { has_modrm: false, constant: size }
}

/// The prefixes that change lengths.
#[derive(Clone, Copy, Default)]
struct Prefixes {
    short_operand: bool,
    short_address: bool,
    long_operand: bool,
}

/// The instruction at the start of `code`; None if there is none, or not all of it.
pub fn first(code: &[u8]) -> Option<Instruction> {
    let (prefixes, start) = prefixes(code);
    let opcode = *code.get(start)?;
    let at = |offset: usize| code.get(start + offset).copied();
    let (operands, end, is_evex) = match opcode {
        0x0f => match at(1)? {
            0x38 => (MODRM, start + 3, false),
            0x3a => (MODRM_BYTE, start + 3, false),
            second => (two_bytes(second)?, start + 2, false),
        },
        0xc5 => (vector(1, at(2)?)?, start + 3, false),
        0xc4 => (vector(at(1)? & 0x1f, at(3)?)?, start + 4, false),
        0x62 => {
            // These bits are fixed: others are another extension's.
            if at(1)? & 0x08 != 0 || at(2)? & 0x04 == 0 {
                return None;
            }
            (vector(at(1)? & 0x07, at(4)?)?, start + 5, true)
        }
        _ => (one_byte(opcode, at(1).unwrap_or(0), prefixes)?, start + 1, false),
    };
    let address = if operands.has_modrm { address_size(code.get(end..)?)? } else { 0 };
    let size = end + address + operands.constant;
    (size <= code.len()).then_some(Instruction { size, is_evex })
}

fn prefixes(code: &[u8]) -> (Prefixes, usize) {
    let mut prefixes = Prefixes::default();
    for (index, byte) in code.iter().enumerate() {
        match byte {
            0x66 => prefixes.short_operand = true,
            0x67 => prefixes.short_address = true,
            0x26 | 0x2e | 0x36 | 0x3e | 0x64 | 0x65 | 0xf0 | 0xf2 | 0xf3 => {}
            // REX stands directly before the opcode.
            0x40..=0x4f => {
                prefixes.long_operand = byte & 8 != 0;
                return (prefixes, index + 1);
            }
            _ => return (prefixes, index),
        }
    }
    (prefixes, code.len())
}

/// `next` is the byte after the opcode.
fn one_byte(opcode: u8, next: u8, prefixes: Prefixes) -> Option<Operands> {
    let word = if prefixes.short_operand && !prefixes.long_operand { 2 } else { 4 };
    Some(match opcode {
        0x00..=0x3f => match opcode & 7 {
            0..=3 => MODRM,
            4 => constant(1),
            5 => constant(word),
            _ => return None,
        },
        0x63 | 0x84..=0x8e | 0xd0..=0xd3 | 0xd8..=0xdf | 0xfe | 0xff => MODRM,
        // With other bits, this is the prefix of an extension that no processor has any more.
        0x8f if next & 0x38 == 0 => MODRM,
        0x6b | 0x80 | 0x83 | 0xc0 | 0xc1 | 0xc6 => MODRM_BYTE,
        0x69 | 0x81 | 0xc7 => Operands { has_modrm: true, constant: word },
        0xf6 if next & 0x30 == 0 => MODRM_BYTE,
        0xf7 if next & 0x30 == 0 => Operands { has_modrm: true, constant: word },
        0xf6 | 0xf7 => MODRM,
        0x6a | 0x70..=0x7f | 0xa8 | 0xb0..=0xb7 | 0xcd | 0xe0..=0xe7 | 0xeb => constant(1),
        0x68 | 0xa9 => constant(word),
        0xb8..=0xbf if prefixes.long_operand => constant(8),
        0xb8..=0xbf => constant(word),
        0xe8 | 0xe9 => constant(4),
        0xa0..=0xa3 => constant(if prefixes.short_address { 4 } else { 8 }),
        0xc2 | 0xca => constant(2),
        0xc8 => constant(3),
        0x50..=0x5f
        | 0x6c..=0x6f
        | 0x90..=0x99
        | 0x9b..=0x9f
        | 0xa4..=0xa7
        | 0xaa..=0xaf
        | 0xc3
        | 0xc9
        | 0xcb
        | 0xcc
        | 0xcf
        | 0xd7
        | 0xec..=0xef
        | 0xf1
        | 0xf4
        | 0xf5
        | 0xf8..=0xfd => NONE,
        _ => return None,
    })
}

/// Opcodes after the byte 0f.
fn two_bytes(opcode: u8) -> Option<Operands> {
    Some(match opcode {
        0x05..=0x09 | 0x0b | 0x0e | 0x30..=0x37 | 0x77 | 0xa0..=0xa2 | 0xa8..=0xaa => NONE,
        0xc8..=0xcf => NONE,
        0x80..=0x8f => constant(4),
        0x0f | 0xa4 | 0xac | 0xba => MODRM_BYTE,
        _ if has_constant(opcode) => MODRM_BYTE,
        0x04 | 0x0a | 0x0c | 0x24..=0x27 | 0x39 | 0x3b..=0x3f | 0xa6 | 0xa7 => return None,
        _ => MODRM,
    })
}

/// Opcodes with a prefix of vector instructions: `map` says after which bytes they once stood.
fn vector(map: u8, opcode: u8) -> Option<Operands> {
    Some(match map {
        1 if opcode == 0x77 => NONE,
        1 if has_constant(opcode) => MODRM_BYTE,
        1 | 2 | 5 | 6 => MODRM,
        3 => MODRM_BYTE,
        _ => return None,
    })
}

/// Vector instructions with a constant, among those after 0f.
fn has_constant(opcode: u8) -> bool {
    matches!(opcode, 0x70..=0x73 | 0xc2 | 0xc4..=0xc6)
}

/// Bytes of ModRM, SIB and displacement.
fn address_size(code: &[u8]) -> Option<usize> {
    let modrm = code.first()?;
    let (mode, register) = (modrm >> 6, modrm & 7);
    let has_sib = mode != 3 && register == 4;
    let base = if has_sib { code.get(1)? & 7 } else { register };
    let displacement = match mode {
        0 if base == 5 => 4,
        1 => 1,
        2 => 4,
        _ => 0,
    };
    Some(1 + usize::from(has_sib) + displacement)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_manual() {
        for (code, is_evex) in [
            (&[0xc3][..], false),
            (&[0x48, 0x89, 0xe5], false),
            (&[0x48, 0x8d, 0x05, 1, 2, 3, 4], false),
            (&[0x48, 0x8b, 0x84, 0x24, 1, 2, 3, 4], false),
            (&[0x8b, 0x04, 0x25, 1, 2, 3, 4], false),
            (&[0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8], false),
            (&[0x66, 0xb8, 1, 2], false),
            (&[0x66, 0x48, 0xe8, 1, 2, 3, 4], false),
            (&[0xf7, 0xc7, 1, 2, 3, 4], false),
            (&[0xf7, 0xd8], false),
            (&[0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0], false),
            (&[0x0f, 0x84, 1, 2, 3, 4], false),
            (&[0xf3, 0x0f, 0x1e, 0xfa], false),
            (&[0x66, 0x0f, 0x3a, 0x0f, 0xc1, 8], false),
            (&[0xc5, 0xf8, 0x77], false),
            (&[0xc5, 0xf9, 0x70, 0xc0, 0x4e], false),
            (&[0xc4, 0xe2, 0x7d, 0x18, 0x05, 1, 2, 3, 4], false),
            (&[0xc4, 0xe3, 0x7d, 0x39, 0xc1, 1], false),
            (&[0x62, 0xf1, 0x7c, 0x48, 0x58, 0xc1], true),
            (&[0x62, 0xf1, 0x7c, 0x48, 0x10, 0x44, 0x24, 1], true),
            (&[0x62, 0xf3, 0xfd, 0x48, 0x3b, 0xc1, 1], true),
        ] {
            let padded = [code, &[0; 16]].concat();
            let expected = Instruction { size: code.len(), is_evex };
            assert_eq!(first(&padded), Some(expected), "{code:x?}");
            assert_eq!(first(&code[..code.len() - 1]), None, "{code:x?} cut off");
        }
        assert_eq!(first(&[0x06, 0, 0]), None);
    }
}
