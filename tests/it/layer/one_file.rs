//! A bootstrap that carries its libraries: one file that is the whole function.

use std::fs;
use std::path::Path;

use pilotlight_local::check;
use pilotlight_local::function::Function;
use pilotlight_local::one_file;
use pilotlight_local::one_file::Files;
use tempfile::TempDir;

use crate::support;
use crate::support::Posted;

/// The parts of the layer that a file carries beside the handler.
#[derive(Clone, Copy)]
struct Modules {
    libc: bool,
    services: bool,
}

const ALL: Modules = Modules { libc: true, services: true };

fn assemble(library: &Path, modules: Modules) -> Vec<u8> {
    let layer = |name: &str| fs::read(support::dist(&format!("layer/{name}"))).expect("the layer");
    let libc = modules.libc.then(|| layer("pilotlight/libc.so"));
    let services = modules.services.then(|| layer("pilotlight/services.so"));
    one_file::assemble(&Files {
        bootstrap: &layer("bootstrap"),
        handler: &fs::read(library).expect("a library"),
        libc: libc.as_deref(),
        services: services.as_deref(),
    })
    .expect("assembled")
}

/// A folder with the file alone in it, as a package is unpacked.
struct Package {
    folder: TempDir,
    /// The function as it was, whose name and variables it has.
    function: Function,
}

impl Package {
    fn of(function: &Function, file: &[u8]) -> Package {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bootstrap");
        support::write_program(&path, file);
        let function = Function {
            bootstrap: path,
            task_root: folder.path().to_path_buf(),
            ..function.clone()
        };
        Package { folder, function }
    }

    fn answer(&self, event: &[u8]) -> String {
        let response = support::response(support::cold(&self.function, event));
        String::from_utf8(response).expect("text")
    }
}

fn compiled(source: &str, folder: &TempDir) -> Function {
    let source = support::root().join("tests/fixtures").join(source);
    let library = folder.path().join("libfixture.so");
    support::compile(&source, &["-shared", "-fPIC", "-O1"], &library);
    support::function(&library, None)
}

#[test]
fn the_file_alone_is_the_function_by_any_name() {
    let hello = support::example("hello");
    let mut package = Package::of(&hello, &assemble(&hello.library, ALL));
    for handler in ["hello", "bootstrap", "anything.at.all", ""] {
        package.function.handler = handler.into();
        assert_eq!(package.answer(br#"{"name":"Ada"}"#), r#"{"message":"Hello, Ada!"}"#);
    }
    assert_eq!(fs::read_dir(package.folder.path()).expect("a folder").count(), 1);
}

#[test]
fn the_same_files_make_the_same_bytes() {
    let hello = support::example("hello");
    assert!(assemble(&hello.library, ALL) == assemble(&hello.library, ALL));
}

#[test]
fn a_bootstrap_that_carries_libraries_takes_no_others() {
    let hello = support::example("hello");
    let file = assemble(&hello.library, ALL);
    let files = Files { bootstrap: &file, handler: b"library", libc: None, services: None };
    let refused = one_file::assemble(&files).expect_err("full");
    assert_eq!(refused.to_string(), "the bootstrap carries libraries already");
    let files = Files { bootstrap: b"#!/bin/sh", ..files };
    let refused = one_file::assemble(&files).expect_err("a script");
    assert_eq!(refused.to_string(), "the bootstrap is not one of Pilotlight's");
}

#[test]
fn the_handler_is_chosen_among_several() {
    let folder = tempfile::tempdir().expect("a folder");
    let function = compiled("c/sysv_hash.c", &folder);
    let mut package = Package::of(&function, &assemble(&function.library, ALL));
    for handler in ["second", "hello.second", "any.folder/hello.second"] {
        package.function.handler = handler.into();
        assert_eq!(package.answer(b"{}"), "second", "{handler}");
    }
    for (handler, message) in [
        ("third", "has no handler `third`; it has `first`, `second`"),
        ("", "has the handlers `first`, `second`; set the function's handler to <file>.<name>"),
    ] {
        package.function.handler = handler.into();
        let (posted, _) = support::refusal(&package.function);
        assert_eq!(posted.error_type, "Runtime.NoSuchHandler");
        assert!(posted.message.ends_with(message), "{}", posted.message);
    }
}

#[test]
fn the_rest_of_the_c_library_is_carried_or_missed_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let function = compiled("c/rare_functions.c", &folder);
    let without = Modules { libc: false, ..ALL };
    let without = Package::of(&function, &assemble(&function.library, without));
    let (posted, _) = support::refusal(&without.function);
    assert!(posted.message.contains(", which neither it nor this runtime"), "{}", posted.message);
    let check = check::check(&without.function.bootstrap);
    assert_eq!(check.refusal, Some(posted.message));
    assert_eq!(check.remedies, ["build the function with libc.so, not with --without libc"]);
    let package = Package::of(&function, &assemble(&function.library, ALL));
    support::response(support::cold(&package.function, b"{}"));
}

#[test]
fn a_carried_module_fetches_configuration() {
    let mut function = support::function(&support::fixture_crate("configured"), Some("read"));
    function.variables =
        vec![("PILOTLIGHT_CONFIG".into(), "limit=file:limit.json?required".into())];
    let package = Package::of(&function, &assemble(&function.library, ALL));
    fs::write(package.folder.path().join("limit.json"), "{\"most\":7}").expect("written");
    let answer = package.answer(br#"{"name":"limit"}"#);
    assert!(answer.contains(r#""text":"{\"most\":7}""#), "{answer}");
}

#[test]
fn a_crash_and_a_panic_name_functions_of_the_library() {
    let folder = tempfile::tempdir().expect("a folder");
    let function = compiled("c/crash_by_instruction.c", &folder);
    let package = Package::of(&function, &assemble(&function.library, ALL));
    let report = |function: &Function| {
        Posted::read(&support::cold(function, b"{}").expect("reported")).message
    };
    let (alone, carried) = (report(&function), report(&package.function));
    // The same offset and symbol, in another file.
    let place = |message: &str| message.split_once('+').expect("an offset").1.to_owned();
    assert_eq!(place(&carried), place(&alone));
    assert!(carried.contains("/bootstrap+0x"), "{carried}");

    let mut function = support::function(&support::fixture_crate("logging"), None);
    function.variables = vec![("RUST_BACKTRACE".into(), "1".into())];
    let package = Package::of(&function, &assemble(&function.library, ALL));
    let stack = |function: &Function| {
        Posted::read(&support::cold(function, b"\"panic\"").expect("reported")).stack_trace
    };
    let (alone, carried) = (stack(&function), stack(&package.function));
    assert!(alone.len() > 3, "{alone:?}");
    assert_eq!(carried, alone);
}

#[test]
fn the_command_judges_the_library_that_a_file_carries() {
    let hello = support::example("hello");
    let services = Modules { libc: false, ..ALL };
    let package = Package::of(&hello, &assemble(&hello.library, services));
    let found = check::check(&package.function.bootstrap);
    assert!(found.loads, "{found}");
    assert_eq!(found.handlers, ["greet"]);
    let carried = found.carries.expect("the sizes");
    assert_eq!(carried.handler, fs::metadata(&hello.library).expect("hello").len());
    assert!(carried.libc.is_none() && carried.services.is_some(), "{found}");
    assert!(found.to_string().contains(" bytes), no libc.so, services.so ("), "{found}");
}

#[test]
fn a_damaged_or_truncated_file_is_refused_in_words() {
    let hello = support::example("hello");
    let file = assemble(&hello.library, ALL);
    let carried = one_file::carried(&file).expect("a table");
    let at = |offset: u64| usize::try_from(offset).expect("an offset");
    let refused = |bytes: &[u8]| {
        let package = Package::of(&hello, bytes);
        let (posted, code) = support::refusal(&package.function);
        assert_eq!((posted.error_type.as_str(), code), ("Runtime.HandlerLoadError", Some(10)));
        // With other magic, it is any program to the command.
        if one_file::package(bytes).is_some() {
            let verdict = support::verdict(&package.function.bootstrap);
            assert_eq!(verdict.as_ref(), Some(&posted.message), "`pilotlight check`");
        }
        posted.message
    };
    let cut_off = "is cut off: a library that it carries would reach past its ";
    let handler_end = at(carried.handler.offset + carried.handler.size);
    for size in [at(carried.handler.offset), at(carried.handler.offset) + 1, handler_end - 1] {
        let message = refused(&file[..size]);
        assert!(message.contains(cut_off), "{message}");
    }
    let table = file.windows(8).position(|bytes| bytes == b"PILOTLT1").expect("a table");
    for byte in (0..72).step_by(7) {
        let mut damaged = file.clone();
        damaged[table + byte] ^= 1;
        let message = refused(&damaged);
        assert!(message.contains("is damaged: its table of libraries"), "{message}");
    }
    let mut damaged = file.clone();
    damaged[at(carried.handler.offset)] ^= 1;
    assert!(refused(&damaged).contains("is not an ELF file"));
}
