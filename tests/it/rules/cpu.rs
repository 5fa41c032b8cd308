//! One room knows the CPU in each crate that depends on it: the folder `src/arch`.

use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

use crate::support;

/// Words that name the CPU, its instructions or its registers.
const WORDS: [&str; 46] = [
    "asm",
    "__asm__",
    "__asm",
    "naked",
    "global_asm",
    "naked_asm",
    "target_feature",
    "target_arch",
    "x86",
    "x86_64",
    "i386",
    "amd64",
    "aarch64",
    "arm64",
    "X86_64",
    "Aarch64",
    "__x86_64__",
    "__aarch64__",
    "uc_mcontext",
    "gregs",
    "cpuid",
    "rdtsc",
    "xgetbv",
    "xsave",
    "movups",
    "endbr64",
    "adrp",
    "ldr",
    "stp",
    "blr",
    "mrs",
    "svc",
    "tlsdesc",
    "tlscall",
    "tpoff",
    "tprel_hi12",
    "tpidr_el0",
    "rax",
    "rbx",
    "rcx",
    "rdx",
    "rsi",
    "rdi",
    "rsp",
    "rbp",
    "rip",
];
/// Beginnings of such words.
const BEGINNINGS: [&str; 20] = [
    "_mm_",
    "_mm256_",
    "_mm512_",
    "__m128",
    "__m256",
    "__m512",
    "__builtin_ia32",
    "__builtin_cpu",
    "__builtin_aarch64",
    "__ARM",
    "immintrin",
    "arm_neon",
    "vld1q_",
    "is_x86_feature",
    "is_aarch64_feature",
    "REG_R",
    "EM_",
    "R_X86_64_",
    "R_AARCH64_",
    "__cpuid",
];
/// Registers that are numbered: the beginnings of their names, and the numbers.
const REGISTERS: [(&str, RangeInclusive<u8>); 7] = [
    ("xmm", 0..=31),
    ("ymm", 0..=31),
    ("zmm", 0..=31),
    ("r", 8..=15),
    ("x", 0..=30),
    ("w", 0..=30),
    ("q", 0..=31),
];

/// The words of a line of code that name the CPU.
fn about_the_cpu(line: &str) -> Vec<&str> {
    let words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.filter(|word| names_the_cpu(word)).collect()
}

fn names_the_cpu(word: &str) -> bool {
    let is_register = |(name, numbers): &(&str, RangeInclusive<u8>)| {
        let number = word.strip_prefix(name);
        number.is_some_and(|number| numbers.clone().any(|known| known.to_string() == number))
    };
    WORDS.contains(&word)
        || BEGINNINGS.iter().any(|beginning| word.starts_with(beginning))
        || REGISTERS.iter().any(is_register)
}

/// Adds `file:line: word` for each word about the CPU in the folder's sources outside `arch`. Unit
/// tests may speak of libraries, which are built for one CPU.
fn collect(folder: &Path, found: &mut Vec<String>, read: &mut usize) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if path.is_dir() {
            if name != "arch" && name != "tests" {
                collect(&path, found, read);
            }
        } else if matches!(ending, "s" | "S") {
            found.push(format!("{}: assembly", path.display()));
        } else if matches!(ending, "rs" | "c" | "h" | "ld") && name != "tests.rs" {
            *read += 1;
            let text = fs::read_to_string(&path).expect("UTF-8");
            let code =
                text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
            for (number, line) in code {
                for word in about_the_cpu(line) {
                    found.push(format!("{}:{}: {word}", path.display(), number + 1));
                }
            }
        }
    }
}

#[test]
fn nothing_outside_the_rooms_for_it_knows_the_cpu() {
    let mut found = Vec::new();
    let mut read = 0;
    for part in ["host", "bootstrap", "loader", "layer"] {
        collect(&support::root().join(part), &mut found, &mut read);
    }
    assert_eq!(found, [""; 0]);
    assert!(read > 60, "{read} files were read");
}

#[test]
fn the_rule_finds_what_it_is_about() {
    for line in [
        "use core::arch::x86_64::_mm_set1_epi8;",
        "    core::arch::asm!(\"mov {}, fs:0\", out(reg) pointer);",
        "\tregister long fourth __asm__(\"r10\") = d;",
        "#[cfg(target_arch = \"x86_64\")]",
        "let instruction = register(libc::REG_RIP);",
        "const R_X86_64_COPY: u32 = 5;",
        "\"mov %rsp, %rdx\"",
        "\tadd x2, x0, x2, lsl #3",
        "call *variable@tlscall(%rax)",
    ] {
        assert!(!about_the_cpu(line).is_empty(), "{line}");
    }
    assert!(about_the_cpu("use crate::arch::Block; // naming no CPU").is_empty());
}
