//! `pilotlight check`: its lines, its exit code, and that the lists it judges by are true. (That
//! its verdict is the bootstrap's is asserted wherever a library is refused or runs.)

use std::ffi::OsStr;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use pilotlight_loader::copies;
use pilotlight_loader::copies::Copies;
use pilotlight_loader::dynamic::Dynamic;
use pilotlight_loader::elf;
use pilotlight_loader::provided;
use pilotlight_loader::sections::sections;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::support;

/// The command's exit code and what it printed.
pub fn check(library: &Path) -> (Option<i32>, String) {
    command(&[library.as_os_str()])
}

fn command(arguments: &[&OsStr]) -> (Option<i32>, String) {
    let output = Command::new(support::dist("bin/pilotlight"))
        .arg("check")
        .args(arguments)
        .output()
        .expect("pilotlight");
    (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
}

/// A handler in C with these declarations, whose body is the statement.
pub fn handler(folder: &TempDir, declarations: &str, statement: &str, options: &[&str]) -> PathBuf {
    let source = folder.path().join("handler.c");
    let text = format!(
        "#include <pilotlight.h>\n\
         {declarations}\n\
         static int32_t run(const pilotlight_invocation *in, pilotlight_outcome *out)\n\
         {{ (void)in; (void)out; {statement} }}\n\
         PILOTLIGHT_HANDLERS(NULL, {{\"run\", run}})\n"
    );
    fs::write(&source, text).expect("written");
    let library = folder.path().join("libhandler.so");
    support::compile(&source, &[&["-shared", "-fPIC"], options].concat(), &library);
    library
}

#[test]
fn a_handler_is_described_and_loads() {
    let library = support::dist("examples/libhello.so");
    let (code, text) = check(&library);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with(&format!("{}: loads\n", library.display())), "{text}");
    for words in [
        " bytes, for x86_64\n",
        "handlers: greet (ABI ",
        "segments: read ",
        " relative, ",
        "of a reserve of 16384\n",
        "constructors: ",
        " symbols of the bootstrap\n",
    ] {
        assert!(text.contains(words), "no `{words}` in {text}");
    }
    for kind in ["remedy:", "mind:", "faster:", "missing"] {
        assert!(!text.contains(kind), "{text}");
    }
}

#[test]
fn several_files_are_judged_and_all_must_load() {
    let hello = support::dist("examples/libhello.so");
    let echo = support::dist("examples/libecho.so");
    let absent = Path::new("/nowhere/lib.so");
    let (code, text) = command(&[hello.as_os_str(), echo.as_os_str()]);
    assert_eq!((code, text.matches(": loads\n").count()), (Some(0), 2), "{text}");
    let (code, text) = command(&[hello.as_os_str(), absent.as_os_str(), echo.as_os_str()]);
    assert_eq!((code, text.matches(": loads\n").count()), (Some(1), 2), "{text}");
    let refused = "/nowhere/lib.so: refused: it cannot be read (No such file or directory)\n";
    assert!(text.contains(refused), "{text}");
}

/// The names that docs/handlers.md lists, which programs read.
#[test]
fn the_findings_are_json_under_the_names_that_the_page_lists() {
    let hello = support::dist("examples/libhello.so");
    let arguments = [OsStr::new("--json"), hello.as_os_str(), OsStr::new("/nowhere/lib.so")];
    let (code, text) = command(&arguments);
    assert_eq!(code, Some(1), "{text}");
    let findings: Value = serde_json::from_str(&text).expect("JSON");
    let [loaded, refused] = &findings.as_array().expect("a list")[..] else {
        panic!("{text}");
    };
    assert_eq!(loaded["loads"], true);
    assert_eq!(loaded["machine"], "x86_64");
    assert_eq!(loaded["handlers"], json!(["greet"]));
    assert_eq!(refused["loads"], false);
    let refusal = "/nowhere/lib.so cannot be read (No such file or directory); check that it is \
                   packaged and that all may read it";
    assert_eq!(refused["refusal"], refusal);
    assert_eq!(refused["remedies"], json!(["check that it is packaged and that all may read it"]));
    let page = fs::read_to_string(support::root().join("docs/handlers.md")).expect("the page");
    for name in loaded.as_object().expect("an object").keys() {
        assert!(page.contains(&format!("`{name}`")), "{name} is not in docs/handlers.md");
    }
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
    for line in [": loads on arm64\n", " bytes, for arm64\n", "\n  handlers: greet "] {
        assert!(text.contains(line), "no `{line}` in {text}");
    }
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
