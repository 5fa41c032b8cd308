//! One room knows the CPU in each crate that depends on it: the folder `src/arch`.

use std::fs;
use std::path::Path;

use crate::support;

/// Words that name instructions, the CPU or its registers.
const WORDS: [&str; 28] = [
    "asm",
    "__asm__",
    "naked",
    "global_asm",
    "naked_asm",
    "immintrin",
    "cpuid",
    "target_feature",
    "target_arch",
    "x86_64",
    "aarch64",
    "__x86_64__",
    "__aarch64__",
    "EM_X86_64",
    "EM_AARCH64",
    "gregs",
    "rax",
    "rbx",
    "rcx",
    "rdx",
    "rsi",
    "rdi",
    "rsp",
    "rbp",
    "rip",
    "xmm0",
    "ymm0",
    "tpidr_el0",
];
/// Beginnings of such words.
const BEGINNINGS: [&str; 9] = [
    "_mm_",
    "_mm256_",
    "_mm512_",
    "__m128",
    "__m256",
    "REG_R",
    "R_X86_64_",
    "R_AARCH64_",
    "__cpuid",
];
/// The words of a line of code that name the CPU.
fn about_the_cpu(line: &str) -> Vec<&str> {
    let words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let names_it = |word: &&str| {
        WORDS.contains(word) || BEGINNINGS.iter().any(|beginning| word.starts_with(beginning))
    };
    words.filter(names_it).collect()
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
        } else if matches!(ending, "rs" | "c" | "h" | "ld")
            && !matches!(name, "arch.rs" | "tests.rs")
        {
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
    for part in ["host", "bootstrap", "loader"] {
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
    ] {
        assert!(!about_the_cpu(line).is_empty(), "{line}");
    }
    assert!(about_the_cpu("use crate::arch::Block; // naming no x86-64").is_empty());
}
