//! Relocation over tables that the tests write themselves.

use alloc::string::String;
use alloc::vec::Vec;

use super::*;
use crate::arch::Aarch64;
use crate::arch::X86_64;
use crate::elf::Extent;
use crate::symbol_hash;
use crate::tls::TlsPlace;
use crate::tls::TlsTemplate;

fn entry(offset: u64, kind: u64, addend: u64) -> RawRela {
    [offset, kind, addend].map(u64::to_le_bytes)
}

#[test]
fn a_bitmap_stands_for_the_words_after_its_address() {
    // Every other word after the first, the second and the last of the next 63, and one in the next
    // segment.
    let table =
        [0x1000, 0x5555_5555_5555_5555, 1 | 1 << 2 | 1 << 63, 0x3000, 0b101].map(u64::to_le_bytes);
    let (mut first, mut second) = ([[0; 8]; 127], [[0; 8]; 3]);
    let mut data = Data::new(alloc::vec![
        (0x1000, first.as_flattened_mut()),
        (0x3000, second.as_flattened_mut()),
    ]);
    relr::apply(table.as_flattened(), &mut data, 7).expect("inside");
    let set = |words: &[[u8; 8]]| -> Vec<usize> {
        let all = words.iter().enumerate();
        all.filter(|(_, word)| u64::from_le_bytes(**word) == 7).map(|(index, _)| index).collect()
    };
    let expected: Vec<usize> = [0].into_iter().chain((2..63).step_by(2)).chain([65, 126]).collect();
    assert_eq!(set(&first), expected);
    assert_eq!(set(&second), [0, 2]);
    let mut data = Data::new(alloc::vec![(0x1000, first.as_flattened_mut())]);
    let outside = [0x1000 + 64 * 8, u64::MAX].map(u64::to_le_bytes);
    assert!(relr::apply(outside.as_flattened(), &mut data, 7).is_err());
}

#[test]
fn a_run_ends_before_the_first_entry_that_is_not_its_own() {
    let relative = u64::from(X86_64::RELATIVE);
    let fine = entry(0x1008, relative, 0x20);
    let others = [
        entry(0x1004, relative, 0x40),
        entry(0x1010, relative, 0x40),
        entry(0xff8, relative, 0x40),
        entry(u64::MAX, relative, 0x40),
        entry(0x1000, 6 | 1 << 32, 0),
    ];
    for other in others {
        let mut words = [[0; 8]; 2];
        let entries = [fine, other, fine];
        assert_eq!(relocate_run::<X86_64>(&entries, 0x1000, &mut words, 0x7000), &entries[1..]);
        assert_eq!(words.map(u64::from_le_bytes), [0, 0x7020]);
    }
    let mut words = [[0; 8]; 2];
    assert!(relocate_run::<X86_64>(&[fine, fine], 0x1000, &mut words, 0x7000).is_empty());
}

const TABLES: u64 = 0x1000;
const DATA: u64 = 0x4000;
const BASE: u64 = 0x10_0000;
/// The value of every word before relocation.
const UNTOUCHED: u64 = u64::MAX;

/// The read-only segment of a library: its dynamic section and the tables that it names.
fn library(symbols: &[(&str, u8, u16, u64)], relocations: &[(u64, u32, u32, u64)]) -> Vec<u8> {
    let mut strings = alloc::vec![0];
    let mut table = alloc::vec![0; 24];
    for &(name, info, section, value) in symbols {
        table.extend(u32::try_from(strings.len()).expect("small").to_le_bytes());
        table.extend([info, 0]);
        table.extend(section.to_le_bytes());
        table.extend(value.to_le_bytes());
        table.extend(0u64.to_le_bytes());
        strings.extend(name.bytes().chain([0]));
    }
    let mut entries = Vec::new();
    for &(offset, kind, symbol, addend) in relocations {
        let info = u64::from(symbol) << 32 | u64::from(kind);
        entries.extend([offset, info, addend].map(u64::to_le_bytes).as_flattened());
    }
    const DYNAMIC: usize = 16 * 6;
    let strings_at = TABLES + DYNAMIC as u64;
    let entries_at = strings_at + strings.len() as u64;
    let symbols_at = entries_at + entries.len() as u64;
    let dynamic = [
        [5, strings_at],
        [10, strings.len() as u64],
        [7, entries_at],
        [8, entries.len() as u64],
        [6, symbols_at],
        [0, 0],
    ];
    let dynamic = dynamic.map(|entry| entry.map(u64::to_le_bytes).as_flattened().to_vec());
    // The symbols come last, because no entry gives their number.
    [dynamic.concat(), strings, entries, table].concat()
}

/// A process that has two symbols, and two more in its module.
struct Host;

impl Provider for Host {
    fn symbol(&self, hash: u64) -> Option<u64> {
        let known = [("both", 0x8000), ("theirs", 0x9000)];
        known.iter().find(|(name, _)| symbol_hash(name.as_bytes()) == hash).map(|found| found.1)
    }

    fn rare_symbol(&self, name: &[u8]) -> Option<u64> {
        [&b"rare"[..], b"rare but weak"].contains(&name).then_some(0xa000)
    }

    fn reserve_tls(&self, _: &TlsTemplate) -> TlsPlace {
        TLS
    }

    fn tls_descriptor(&self, place: TlsPlace, offset: u64) -> [u64; 2] {
        [0xb000 + place.module, offset]
    }
}

const TLS: TlsPlace = TlsPlace { module: 3, thread_pointer_offset: Ok(0u64.wrapping_sub(0x100)) };
/// Its thread-locals did not fit.
const FULL: TlsPlace = TlsPlace { thread_pointer_offset: Err(16), ..TLS };

/// Relocates a library, and returns the sixteen words of its writable segment.
fn relocated(file: &[u8], tls: Option<(TlsPlace, &TlsTemplate)>) -> Result<[u64; 16], Defect> {
    relocated_in::<X86_64>(&Scope { base: BASE, host: &Host, tls, has_heap: false }, file)
}

fn relocated_in<M: Machine>(scope: &Scope, file: &[u8]) -> Result<[u64; 16], Defect> {
    let mut words = [UNTOUCHED.to_le_bytes(); 16];
    let tables = Tables::new(alloc::vec![(TABLES, file)]);
    let mut data = Data::new(alloc::vec![(DATA, words.as_flattened_mut())]);
    let section = Extent { address: TABLES, size: 16 * 6 };
    let dynamic = Dynamic::read(&section, &tables, &mut data)?;
    let symbols = dynamic.symbols(&tables, None)?;
    relocate::<M>(&dynamic, &symbols, &tables, &mut data, scope)?;
    Ok(words.map(u64::from_le_bytes))
}

const TEMPLATE: TlsTemplate =
    TlsTemplate { address: DATA, file_size: 0, memory_size: 64, align: 8 };

const GLOBAL: u8 = 1 << 4;
const WEAK: u8 = 2 << 4;

#[test]
fn each_kind_of_relocation_has_its_value() {
    let symbols = [
        ("both", GLOBAL, 1, 0x30),
        ("theirs", GLOBAL, 0, 0),
        ("absent", WEAK, 0, 0),
        ("absolute", GLOBAL, 0xfff1, 0x77),
        ("rare", GLOBAL, 0, 0),
        ("rare but weak", WEAK, 0, 0),
        ("thread-local", GLOBAL, 1, 0x18),
    ];
    // Symbol, kind and addend, and the value that is written.
    let cases = [
        // A slot has no addend, and a library's own definition comes first.
        ((1, 6, 5), BASE + 0x30),
        ((1, 1, 5), BASE + 0x35),
        ((2, 7, 0), 0x9000),
        ((2, 1, 8), 0x9008),
        ((3, 6, 0), 0),
        ((4, 6, 0), 0x77),
        ((5, 7, 0), 0xa000),
        // The module is not mapped for a weak reference.
        ((6, 7, 0), 0),
        ((7, 16, 0), 3),
        ((0, 16, 0), 3),
        ((7, 17, 4), 0x1c),
        ((7, 18, 4), 0x1cu64.wrapping_sub(0x100)),
        ((0, 18, 4), 4u64.wrapping_sub(0x100)),
        ((0, 8, 0x20), BASE + 0x20),
        ((0, 1, 9), 9),
    ];
    assert_values::<X86_64>(&symbols, &cases);
}

#[test]
fn each_kind_of_relocation_has_its_value_on_arm64() {
    let symbols = [
        ("both", GLOBAL, 1, 0x30),
        ("theirs", GLOBAL, 0, 0),
        ("thread-local", GLOBAL, 1, 0x18),
        ("absent", WEAK, 0, 0),
    ];
    let cases = [
        // Slots have addends.
        ((1, 257, 5), BASE + 0x35),
        ((1, 1025, 5), BASE + 0x35),
        ((2, 1026, 0), 0x9000),
        ((4, 1025, 0), 0),
        ((3, 1028, 0), 3),
        ((3, 1029, 4), 0x1c),
        ((3, 1030, 4), 0x1cu64.wrapping_sub(0x100)),
        ((0, 1027, 0x20), BASE + 0x20),
        // Nothing is written, wherever the entry points to.
        ((0, 0, 7), UNTOUCHED),
        ((1, 256, 7), UNTOUCHED),
    ];
    assert_values::<Aarch64>(&symbols, &cases);
    let elsewhere = library(&symbols, &[(u64::MAX, 0, 0, 0), (DATA, 1027, 0, 1)]);
    let scope = Scope { base: BASE, host: &Host, tls: None, has_heap: false };
    assert_eq!(relocated_in::<Aarch64>(&scope, &elsewhere).expect("sound")[0], BASE + 1);
}

/// Relocates one word by each case: symbol, kind and addend, and the value that is expected.
fn assert_values<M: Machine>(symbols: &[(&str, u8, u16, u64)], cases: &[((u32, u32, u64), u64)]) {
    let offsets = (0..).map(|index| DATA + index * 8);
    let relocations: Vec<_> = offsets
        .zip(cases)
        .map(|(offset, &((symbol, kind, addend), _))| (offset, kind, symbol, addend))
        .collect();
    let scope = Scope { base: BASE, host: &Host, tls: Some((TLS, &TEMPLATE)), has_heap: false };
    let words = relocated_in::<M>(&scope, &library(symbols, &relocations));
    let expected: Vec<u64> = cases.iter().map(|&(_, value)| value).collect();
    assert_eq!(words.expect("sound")[..cases.len()], expected);
}

#[test]
fn a_library_that_exports_a_heap_takes_the_symbols_of_the_process_first() {
    let symbols = [("both", GLOBAL, 1, 0x30), ("its own", GLOBAL, 1, 0x40)];
    let file = library(&symbols, &[(DATA, 6, 1, 0), (DATA + 8, 6, 2, 0)]);
    for (has_heap, both) in [(false, BASE + 0x30), (true, 0x8000)] {
        let scope = Scope { base: BASE, host: &Host, tls: None, has_heap };
        assert_eq!(relocated_in::<X86_64>(&scope, &file).expect("sound")[..2], [both, BASE + 0x40]);
    }
}

#[test]
fn every_missing_symbol_is_counted_once_and_the_first_are_named() {
    let names: Vec<String> = (0..10).map(|number| alloc::format!("missing {number}")).collect();
    let symbols: Vec<_> = names.iter().map(|name| (name.as_str(), GLOBAL, 0, 0)).collect();
    // Each twice.
    let relocations: Vec<_> = (1..=10).chain(1..=10).map(|symbol| (DATA, 6, symbol, 0)).collect();
    let refused = relocated(&library(&symbols, &relocations), None).expect_err("missing");
    assert_eq!(refused, Defect::MissingSymbols { names: names[..8].to_vec(), count: 10 });
    let template = Some((TLS, &TEMPLATE));
    for kind in [17, 36] {
        let file = library(&symbols, &[(DATA, kind, 1, 0), (DATA, 6, 2, 0)]);
        let missing = Defect::MissingSymbols { names: names[..2].to_vec(), count: 2 };
        assert_eq!(relocated(&file, template), Err(missing));
    }
}

#[test]
fn what_a_relocation_may_not_be_is_refused() {
    let refused = |relocation, tls| relocated(&library(&[], &[relocation]), tls);
    for kind in [0, 2, 5, 37, 99] {
        let refused = refused((DATA, kind, 0, 0), None).expect_err("not supported");
        assert!(
            matches!(refused, Defect::UnsupportedRelocation(relocation) if relocation.kind == kind)
        );
    }
    for offset in [0, TABLES, DATA - 8, DATA + 121, DATA + 128, u64::MAX] {
        for kind in [8, 6] {
            let bad = Err(Defect::BadRelocation { offset });
            assert_eq!(refused((offset, kind, 0, 0), None), bad);
        }
    }
    assert_eq!(
        refused((DATA, 6, 1, 0), None),
        Err(Defect::BadTable { what: "symbol table" }),
        "there is none with this index"
    );
    assert_eq!(refused((DATA, 16, 0, 0), None), Err(Defect::BadTls));
    let too_large = Err(Defect::TlsTooLarge { size: 64, align: 8, available: 16 });
    assert_eq!(refused((DATA, 18, 0, 0), Some((FULL, &TEMPLATE))), too_large);
}

#[test]
fn a_descriptor_has_two_words() {
    let symbols = [("thread-local", GLOBAL, 1, 0x18)];
    let relocations = |kind| [(DATA + 8, kind, 1, 4), (DATA + 24, kind, 0, 0x20)];
    let expected = [UNTOUCHED, 0xb003, 0x1c, 0xb003, 0x20, UNTOUCHED];
    // Also where the thread-locals have no fixed offset from the thread pointer.
    for tls in [TLS, FULL] {
        let scope = Scope { base: BASE, host: &Host, tls: Some((tls, &TEMPLATE)), has_heap: false };
        let words = relocated_in::<X86_64>(&scope, &library(&symbols, &relocations(36)));
        assert_eq!(words.expect("sound")[..6], expected);
        let words = relocated_in::<Aarch64>(&scope, &library(&symbols, &relocations(1031)));
        assert_eq!(words.expect("sound")[..6], expected);
    }
}

#[test]
fn both_words_of_a_descriptor_lie_in_writable_data() {
    let refused = |offset, tls| relocated(&library(&[], &[(offset, 36, 0, 0)]), tls);
    let template = Some((TLS, &TEMPLATE));
    // The first word outside, then the second one, then one of them in part.
    for offset in [0, TABLES, DATA - 8, DATA + 120, DATA - 4, DATA + 116, u64::MAX - 7] {
        assert_eq!(refused(offset, template), Err(Defect::BadRelocation { offset }));
    }
    assert!(refused(DATA + 112, template).is_ok());
    assert_eq!(refused(DATA, None), Err(Defect::BadTls));
}

#[test]
fn a_refused_relocation_is_named_with_its_offset_and_symbol() {
    let symbols = [("chosen", GLOBAL | 10, 1, 0), ("thread-local", GLOBAL, 1, 0)];
    let cases = [
        (
            (DATA, 1, 1, 0),
            "has an indirect function (relocation 1) at 0x4000 (symbol chosen), which",
        ),
        (
            (DATA, 7, 1, 0),
            "has an indirect function (relocation 7) at 0x4000 (symbol chosen), which",
        ),
        ((DATA, 37, 0, 0), "has an indirect function (relocation 37) at 0x4000, which is not"),
        ((DATA, 99, 0, 0), "has an unknown relocation (relocation 99) at 0x4000, which is not"),
        (
            (DATA + 8, 5, 2, 0),
            "has R_X86_64_COPY (relocation 5) at 0x4008 (symbol thread-local), \
             which is not supported; link the library with -shared",
        ),
    ];
    for (relocation, expected) in cases {
        assert_refused::<X86_64>(&library(&symbols, &[relocation]), expected);
    }
    let cases = [
        (
            (DATA, 1025, 1, 0),
            "has an indirect function (relocation 1025) at 0x4000 (symbol chosen)",
        ),
        ((DATA, 1032, 0, 0), "has an indirect function (relocation 1032) at 0x4000, which is not"),
        (
            (DATA, 1024, 2, 0),
            "has R_AARCH64_COPY (relocation 1024) at 0x4000 (symbol thread-local)",
        ),
        ((DATA, 258, 0, 0), "has a 32-bit address (relocation 258) at 0x4000, which is not"),
        ((DATA, 8, 0, 0), "has an unknown relocation (relocation 8) at 0x4000, which is not"),
    ];
    for (relocation, expected) in cases {
        assert_refused::<Aarch64>(&library(&symbols, &[relocation]), expected);
    }
}

fn assert_refused<M: Machine>(file: &[u8], expected: &str) {
    let scope = Scope { base: BASE, host: &Host, tls: None, has_heap: false };
    let refused = relocated_in::<M>(&scope, file).expect_err("unsupported");
    let message = alloc::format!("{refused}");
    assert!(message.contains(expected), "{message}");
}
