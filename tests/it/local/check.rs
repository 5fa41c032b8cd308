//! `pilotlight check`: its lines, its exit code, and that the lists it judges by are true. (That
//! its verdict is the bootstrap's is asserted wherever a library is refused or runs.)

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use pilotlight_loader::copies;
use pilotlight_loader::copies::Copies;
use pilotlight_loader::dynamic::Dynamic;
use pilotlight_loader::elf;
use pilotlight_loader::provided;
use pilotlight_loader::sections::sections;
use tempfile::TempDir;

use crate::support;

/// The command's exit code and what it printed.
pub fn check(library: &Path) -> (Option<i32>, String) {
    let output = Command::new(support::dist("bin/pilotlight"))
        .arg("check")
        .arg(library)
        .output()
        .expect("pilotlight");
    (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn a_handler_is_described_and_loads() {
    let (code, text) = check(&support::dist("examples/libhello.so"));
    assert_eq!(code, Some(0), "{text}");
    for words in [
        "shared library for x86_64\n",
        "handlers: greet (ABI ",
        "segments: read ",
        " relative, ",
        "of a reserve of 16384\n",
        "constructors: ",
        " 0 of pilotlight/libc.so\n",
        "\n  loads\n",
    ] {
        assert!(text.contains(words), "no `{words}` in {text}");
    }
    assert!(!text.contains("faster:"), "{text}");
}

/// A library of this CPU with the headers and relocations of arm64. Its code stays as it is, which
/// the command does not read.
fn as_arm64(mut file: Vec<u8>) -> Vec<u8> {
    let (e_machine, sht_rela, relocation_size) = (18..20, 4, 24);
    let tables: Vec<Range<usize>> = sections(&file)
        .filter(|section| section.kind() == sht_rela)
        .map(|section| section.range().expect("in the file"))
        .collect();
    assert!(!tables.is_empty(), "no relocations");
    for entry in tables.into_iter().flat_map(|table| table.step_by(relocation_size)) {
        let kind = entry + 8..entry + 12;
        let number = u32::from_le_bytes(file[kind.clone()].try_into().expect("4 bytes"));
        let number: u32 = match number {
            1 => 257,
            6 => 1025,
            7 => 1026,
            8 => 1027,
            _ => panic!("relocation {number} has no counterpart here"),
        };
        file[kind].copy_from_slice(&number.to_le_bytes());
    }
    file[e_machine].copy_from_slice(&183u16.to_le_bytes());
    file
}

#[test]
fn a_handler_for_arm64_is_judged_by_the_rules_of_that_cpu() {
    let folder = TempDir::new().expect("a folder");
    let library = folder.path().join("libhello-c.so");
    let file = fs::read(support::dist("examples/libhello-c.so")).expect("the example");
    fs::write(&library, as_arm64(file)).expect("written");
    let (code, text) = check(&library);
    assert_eq!(code, Some(0), "{text}");
    for line in ["\n  shared library for arm64\n", "\n  handlers: greet ", "\n  loads on arm64\n"] {
        assert!(text.contains(line), "no `{line}` in {text}");
    }
}

#[test]
fn everything_that_is_missing_is_named() {
    let folder = TempDir::new().expect("a folder");
    let source = folder.path().join("handler.c");
    let names: Vec<String> = (0..20).map(|number| format!("missing_{number}")).collect();
    let calls: Vec<String> = names.iter().map(|name| format!("{name}();")).collect();
    let text = format!(
        "#include <pilotlight.h>\n\
         {}\n\
         double asin(double);\n\
         static int32_t run(const pilotlight_invocation *in, pilotlight_outcome *out)\n\
         {{ (void)out; {} return asin(in->deadline_ms) > 2; }}\n\
         PILOTLIGHT_HANDLERS(NULL, {{\"run\", run}})\n",
        names.iter().map(|name| format!("void {name}(void);")).collect::<String>(),
        calls.join(" "),
    );
    fs::write(&source, text).expect("written");
    let library = folder.path().join("libhandler.so");
    support::compile(
        &source,
        &["-shared", "-fPIC", "-g", "-Wl,--no-as-needed", "-lstdc++"],
        &library,
    );
    let (code, text) = check(&library);
    assert_eq!(code, Some(1), "{text}");
    let refusal = "needs `libstdc++.so.6`, which this runtime does not provide; link it statically";
    assert!(text.contains(refusal), "{text}");
    assert!(text.contains("missing library: libstdc++.so.6\n"), "{text}");
    for name in names {
        assert!(text.contains(&format!("missing symbol: {name}\n")), "{text}");
    }
    assert!(text.contains("strip = \"symbols\""), "{text}");
    assert!(text.contains("pilotlight/libc.so is mapped as well, for asin\n"), "{text}");
}

#[test]
fn a_heap_that_the_c_library_does_not_know_is_warned_of() {
    let folder = TempDir::new().expect("a folder");
    let source = support::root().join("tests/fixtures/c/own_heap.c");
    let library = folder.path().join("libhandler.so");
    let mut arguments = vec!["-shared", "-fPIC", "-O2"];
    support::compile(&source, &arguments, &library);
    let (_, exported) = check(&library);
    assert!(!exported.contains("mind: "), "{exported}");
    arguments.push("-fvisibility=hidden");
    support::compile(&source, &arguments, &library);
    let (code, hidden) = check(&library);
    assert_eq!(code, Some(0), "{hidden}");
    let words =
        "what the C library allocates (__getdelim, asprintf, open_memstream, realpath, strdup);";
    assert!(hidden.contains(words), "{hidden}");
}

#[test]
fn what_is_listed_is_there() {
    let file = fs::read(support::dist("layer/pilotlight/libc.so")).expect("libc.so");
    let parsed = elf::parse(&file).expect("sound");
    let tables = copies::tables(&parsed, &file);
    let mut copies = Copies::of(&parsed, &file);
    let mut data = copies.data();
    let dynamic = Dynamic::read(&parsed.dynamic, &tables, &mut data).expect("sound");
    let symbols = dynamic.symbols(&tables, None).expect("sound");
    let is_absent = |name: &&str| dynamic.find(name.as_bytes(), &symbols, &tables, None).is_none();
    let names = provided::entries(provided::MODULE).map(|(name, _)| name);
    assert_eq!(names.filter(is_absent).collect::<Vec<_>>(), [""; 0], "not in libc.so");
}
