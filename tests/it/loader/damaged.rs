//! Files that are no handler libraries: each is refused through `/init/error`, in words, and ends
//! with the exit code for it; none ends by a signal.

use std::fs;
use std::path::Path;

use pilotlight_local::check;
use pilotlight_local::cpu::Cpu;
use pilotlight_local::environment::ExecutionEnvironment;
use pilotlight_local::environment::Output;
use tempfile::TempDir;

use crate::support;
use crate::support::Posted;
use crate::support::arch::arch;

/// The message with which the bootstrap refuses a file of these bytes, and `pilotlight check` too.
fn refused(folder: &Path, bytes: &[u8]) -> String {
    let library = folder.join("libdamaged.so");
    let message = refused_at_start(&library, bytes);
    assert_eq!(support::verdict(&library).as_ref(), Some(&message), "`pilotlight check`");
    message
}

/// The message with which the bootstrap refuses a file of these bytes.
fn refused_at_start(library: &Path, bytes: &[u8]) -> String {
    fs::write(library, bytes).expect("written");
    let (posted, code) = support::refusal(&support::function(library, None));
    assert_eq!(code, Some(10), "{}", posted.message);
    assert_eq!(posted.category, "Runtime.HandlerLoadError", "{}", posted.message);
    let path = library.to_string_lossy();
    assert!(posted.message.contains(&*path), "{}", posted.message);
    posted.message
}

#[test]
fn each_kind_of_wrong_file_is_named() {
    let folder = TempDir::new().expect("a folder");
    let sound = fs::read(support::dist("examples/libhello.so")).expect("hello");
    let with = |offset: usize, bytes: &[u8]| {
        let mut file = sound.clone();
        file[offset..offset + bytes.len()].copy_from_slice(bytes);
        file
    };
    let source = folder.path().join("program.c");
    let program = folder.path().join("program");
    fs::write(&source, "int main(void) { return 0; }\n").expect("written");
    support::compile(&source, &[], &program);
    let program = fs::read(program).expect("a program");
    let bootstrap = fs::read(support::bootstrap()).expect("a static program");
    let object = folder.path().join("object.o");
    let source = support::root().join("tests/fixtures/c/no_handlers.c");
    support::compile(&source, &["-c"], &object);
    let object = fs::read(object).expect("an object file");

    let is = |bytes: &[u8], words: &str| {
        let message = refused(folder.path(), bytes);
        assert!(message.contains(words), "expected `{words}`: {message}");
    };
    is(b"", "is empty");
    is(b"#!/bin/sh\n", "is not an ELF file");
    is(&with(0, b"MZ"), "is not an ELF file");
    is(&sound[..3], "is not an ELF file");
    is(&sound[..40], "is cut off: the ELF header");
    is(&sound[..200], "is cut off: the program headers");
    is(&sound[..5000], "is cut off: a segment");
    is(&sound[..sound.len() / 2], "is cut off: a segment");
    let is_for = |words: &str| format!("{words}, this runtime is for {}", arch().name);
    is(&with(18, &243u16.to_le_bytes()), &is_for("was built for RISC-V"));
    is(&with(18, &[0, 62]), &is_for("was built for an unknown CPU"));
    is(&with(4, &[1]), "is a 32-bit library");
    is(&with(16, &2u16.to_le_bytes()), "is a program");
    is(&program, "is a program");
    is(&bootstrap, "is a program");
    is(&object, "is an unlinked object file");
    is(&with(56, &0u16.to_le_bytes()), "is damaged: 0 program headers");
    is(&with(32, &u64::MAX.to_le_bytes()), "is cut off: the program headers");
}

/// The command judges it as the runtime of that CPU would, for which these relocations are none.
#[test]
fn a_library_for_the_other_cpu_is_refused_by_this_runtime_alone() {
    let folder = TempDir::new().expect("a folder");
    let library = folder.path().join("libforeign.so");
    let mut bytes = fs::read(support::dist("examples/libhello.so")).expect("hello");
    let other = if arch().name == "arm64" { "x86_64" } else { "arm64" };
    let number = Cpu::named(other).expect("Lambda's name").number;
    bytes[18..20].copy_from_slice(&number.to_le_bytes());
    let message = refused_at_start(&library, &bytes);
    let words = format!("was built for {other}, this runtime is for {}", arch().name);
    assert!(message.contains(&words), "{message}");
    let text = check::check(&library).to_string();
    assert!(text.contains(&format!(" bytes, for {other}\n")), "{text}");
    assert!(text.contains("refused: ") && text.contains("an unknown relocation"), "{text}");
}

#[test]
fn a_folder_or_nothing_in_its_place_is_named() {
    let folder = TempDir::new().expect("a folder");
    let mut function = support::example("hello");
    function.task_root = folder.path().to_path_buf();
    let (posted, code) = support::refusal(&function);
    assert_eq!((posted.category.as_str(), code), ("Runtime.NoSuchHandler", Some(10)));
    let words = format!("no libhello.so and no hello.so in {}", folder.path().display());
    assert!(posted.message.contains(&words), "{}", posted.message);

    fs::create_dir(folder.path().join("libhello.so")).expect("a folder");
    let (posted, code) = support::refusal(&function);
    assert_eq!((posted.category.as_str(), code), ("Runtime.HandlerLoadError", Some(10)));
    assert!(posted.message.contains("cannot be read (Is a directory)"), "{}", posted.message);

    function.handler = "hello.".into();
    let (posted, code) = support::refusal(&function);
    assert_eq!((posted.category.as_str(), code), ("Runtime.InvalidHandler", Some(10)));
}

#[test]
fn a_layer_without_the_rest_of_libc_says_so_and_serves_those_that_need_none_of_it() {
    let layer = TempDir::new().expect("a folder");
    let bootstrap = layer.path().join("bootstrap");
    fs::copy(support::bootstrap(), &bootstrap).expect("copied");
    let mut hello = support::example("hello");
    hello.bootstrap.clone_from(&bootstrap);
    let answer = support::response(support::cold(&hello, br#"{"name":"Ada"}"#));
    assert_eq!(answer, br#"{"message":"Hello, Ada!"}"#);

    let library = layer.path().join("libregular_expressions.so");
    let source = support::root().join("tests/fixtures/c/regular_expressions.c");
    support::compile(&source, &["-shared", "-fPIC"], &library);
    let mut matching = support::function(&library, None);
    matching.bootstrap.clone_from(&bootstrap);
    let (posted, _) = support::refusal(&matching);
    assert!(posted.message.contains("`regcomp`"), "{}", posted.message);
    // A function that is bound at its first call is missed there.
    let mut numbers = support::function(&support::fixture_crate("stock"), Some("numbers"));
    numbers.bootstrap = bootstrap;
    let environment = ExecutionEnvironment::start(&numbers, Output::Kept).expect("started");
    let outcome = support::invoke(&environment, &numbers, b"[1]").expect("reported");
    assert_eq!(Posted::read(&outcome).category, "Function.Aborted");
    let log = environment.log().expect("kept");
    // The thread that follows the log may not have come to its last lines.
    log.read();
    let log = String::from_utf8(log.take().bytes).expect("UTF-8");
    assert!(log.contains("`, which is in pilotlight/libc.so\n"), "{log}");

    fs::create_dir(layer.path().join("pilotlight")).expect("a folder");
    let module = layer.path().join("pilotlight/libc.so");
    fs::write(&module, b"not a library").expect("written");
    let (posted, code) = support::refusal(&matching);
    assert!(posted.message.contains("`regcomp`"), "{}", posted.message);
    assert_eq!(code, Some(10));
    fs::copy(support::dist("layer/pilotlight/libc.so"), &module).expect("copied");
    support::response(support::cold(&matching, b"{}"));
    support::response(support::cold(&numbers, b"[1]"));
}
