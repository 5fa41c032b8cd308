//! Headers that the tests write byte by byte.

use super::*;
use crate::arch::Aarch64;
use crate::arch::X86_64;

/// A valid ELF header, and one program header of each kind that is required.
fn sound() -> Vec<u8> {
    let mut file = Vec::new();
    file.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    file.extend_from_slice(&3u16.to_le_bytes());
    file.extend_from_slice(&Native::NUMBER.to_le_bytes());
    file.resize(32, 0);
    file.extend_from_slice(&64u64.to_le_bytes());
    file.resize(54, 0);
    file.extend_from_slice(&56u16.to_le_bytes());
    file.extend_from_slice(&2u16.to_le_bytes());
    file.resize(64, 0);
    push_header(&mut file, PT_LOAD, 0, 0x1000, 0x1000);
    push_header(&mut file, PT_DYNAMIC, 0x800, 0x100, 0x100);
    file.resize(0x1000, 0);
    file
}

fn push_header(file: &mut Vec<u8>, kind: u32, address: u64, file_size: u64, size: u64) {
    file.extend_from_slice(&kind.to_le_bytes());
    file.extend_from_slice(&4u32.to_le_bytes());
    for word in [address, address, address, file_size, size, PAGE] {
        file.extend_from_slice(&word.to_le_bytes());
    }
}

#[test]
fn a_sound_file_is_parsed() {
    let parsed = parse(&sound()).expect("sound");
    assert_eq!(parsed.segments.len(), 1);
    assert_eq!(parsed.dynamic, Extent { address: 0x800, size: 0x100 });
}

#[test]
fn each_defect_of_the_header_has_its_name() {
    let edit = |offset: usize, byte: u8| {
        let mut file = sound();
        file[offset] = byte;
        parse(&file).expect_err("damaged")
    };
    assert_eq!(edit(0, 0), Defect::NotElf);
    assert_eq!(edit(4, 1), Defect::Not64Bit);
    let big_endian = Defect::WrongMachine { machine: "a big-endian CPU" };
    assert_eq!(edit(5, 2), big_endian);
    assert_eq!(edit(18, 243), Defect::WrongMachine { machine: "RISC-V" });
    assert_eq!(edit(16, 2), Defect::Executable);
    assert_eq!(edit(16, 1), Defect::ObjectFile);
    assert_eq!(edit(56, 0), Defect::ProgramHeaders { count: 0, entry_size: 56 });
    assert!(matches!(parse(&sound()[..70]), Err(Defect::Truncated { .. })));
}

#[test]
fn each_cpu_parses_its_own_files_alone() {
    let file_for = |number: u16| {
        let mut file = sound();
        file[18..20].copy_from_slice(&number.to_le_bytes());
        file
    };
    let (x86, arm) = (file_for(X86_64::NUMBER), file_for(Aarch64::NUMBER));
    assert_eq!([machine(&x86), machine(&arm)], [Some(X86_64::NUMBER), Some(Aarch64::NUMBER)]);
    assert_eq!([machine(&x86[..63]), machine(b"#!/bin/sh")], [None, None]);
    assert!(parse_for::<X86_64>(&x86).is_ok() && parse_for::<Aarch64>(&arm).is_ok());
    let refused = parse_for::<X86_64>(&arm).expect_err("another CPU");
    assert_eq!(refused, Defect::WrongMachine { machine: "arm64" });
    let refused = parse_for::<Aarch64>(&x86).expect_err("another CPU");
    assert_eq!(refused, Defect::WrongMachine { machine: "x86_64" });
}

#[test]
fn a_segment_that_reaches_past_the_file_or_the_address_space_is_refused() {
    let mut file = sound();
    file[64 + 32..64 + 40].copy_from_slice(&0x1001u64.to_le_bytes());
    assert!(matches!(parse(&file), Err(Defect::Truncated { .. })));
    let mut file = sound();
    file[64 + 40..64 + 48].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(parse(&file).expect_err("huge"), Defect::BadSegment { address: 0 });
}

#[test]
fn no_byte_of_the_headers_can_make_the_parser_fail_otherwise() {
    for offset in 0..176 {
        for byte in [0, 1, 0x7f, 0x80, 0xff] {
            let mut file = sound();
            file[offset] = byte;
            let _ = parse(&file);
        }
    }
}
