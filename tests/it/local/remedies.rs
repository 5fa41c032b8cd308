//! The remedies, warnings and advice of `pilotlight check`: each fits what the library needs.

use std::path::Path;
use std::process::Command;

use pilotlight_local::check;
use pilotlight_local::check::Check;
use pilotlight_local::check::Needed;
use tempfile::TempDir;

use super::check::handler;
use crate::support;
use crate::support::arch::arch;

/// A handler in C with these declarations, whose body is the statement, as it is judged.
fn judged(declarations: &str, statement: &str, options: &[&str]) -> Check {
    let folder = TempDir::new().expect("a folder");
    check::check(&handler(&folder, declarations, statement, options))
}

/// A shared library that defines the function `needed`, with a name of this stem.
fn library(folder: &TempDir, stem: &str) -> String {
    let source = folder.path().join("needed.c");
    std::fs::write(&source, "int needed(void) { return 1; }\n").expect("written");
    let name = format!("lib{stem}.so.1");
    let path = folder.path().join(&name);
    let soname = format!("-Wl,-soname,{name}");
    support::compile(&source, &["-shared", "-fPIC", &soname], &path);
    path.to_str().expect("UTF-8").to_owned()
}

fn remedies_for(stem: &str) -> Vec<String> {
    let folder = TempDir::new().expect("a folder");
    let needed = library(&folder, stem);
    let check = judged("int needed(void);", "return needed();", &[&needed, "-g"]);
    assert_eq!(check.missing_libraries, [format!("lib{stem}.so.1")]);
    assert_eq!(check.missing_symbols.len(), 1, "{check}");
    assert!(check.faster.is_empty(), "advice for what is refused: {check}");
    check.remedies
}

#[test]
fn a_missing_library_is_left_out_as_its_crate_leaves_it_out() {
    assert!(remedies_for("ssl")[0].contains("rustls, or the feature `vendored` of"));
    assert!(remedies_for("z")[0].contains("the feature `static` of the crate libz-sys"));
    assert!(remedies_for("pq")[0].contains("the feature `bundled` of the crate pq-sys"));
    assert!(remedies_for("resolv")[0].contains("a part of glibc"));
    let own = "libown.so.1: link it statically (libown.a), or use a crate that builds it";
    assert_eq!(remedies_for("own"), [own]);
}

#[test]
fn functions_that_the_runtime_leaves_out_are_not_to_be_linked_statically() {
    let check = judged(
        "#include <dlfcn.h>\nint ptrace(int, ...); int pkey_alloc(int, int);\n\
         void *dlmopen(long, const char *, int); void *argz_next(void *, long, void *);",
        "dlmopen(0, 0, 0); argz_next(0, 0, 0); return ptrace(0) + pkey_alloc(0, 0);",
        &[],
    );
    let text = check.to_string();
    let libraries = check.missing_symbols.iter().map(|symbol| symbol.library.as_deref());
    assert!(libraries.eq([Some("libc.so.6"); 4]), "{:?}", check.missing_symbols);
    for words in [
        "remedy: argz_next: do without: the runtime does not provide this part of the C library",
        "remedy: dlmopen: do without: a handler loads no libraries while it runs\n",
        "remedy: pkey_alloc, ptrace: make the system call with `syscall`, which the runtime",
        "missing symbols: argz_next, dlmopen, pkey_alloc, ptrace\n",
    ] {
        assert!(text.contains(words), "no `{words}` in {text}");
    }
    assert!(!text.contains("link"), "{text}");
}

#[test]
fn symbols_that_no_library_is_known_for_are_to_be_linked() {
    let names: Vec<String> = (10..30).map(|number| format!("missing_{number}")).collect();
    let declarations = names.iter().map(|name| format!("void {name}(void);")).collect::<String>();
    let calls = names.iter().map(|name| format!("{name}();")).collect::<String>();
    let check = judged(&declarations, &format!("{calls} return 0;"), &[]);
    let first = names[..10].join(", ");
    let remedy = format!("{first} and 10 more: link the library or the object that defines it");
    assert_eq!(check.remedies, [remedy]);
    let found: Vec<&str> = check.missing_symbols.iter().map(|found| found.name.as_str()).collect();
    assert_eq!(found, names);
}

#[test]
fn debug_builds_are_known() {
    let is_debug = |options: &[&str]| {
        let check = judged("", "return 0;", options);
        let remedy = "it is a debug build; build it with -O2";
        assert_eq!(check.warnings, [remedy; 1][..usize::from(check.is_debug_build)]);
        check.is_debug_build
    };
    assert!(is_debug(&["-g"]));
    assert!(!is_debug(&["-g", "-O2"]));
    // Without debug information it cannot be known.
    assert!(!is_debug(&[]));

    let folder = TempDir::new().expect("a folder");
    let source = folder.path().join("lib.rs");
    let text = "#[unsafe(no_mangle)]\npub extern \"C\" fn first(items: &[u8], at: usize) -> u8 {\n\
                unsafe { *items.get_unchecked(at) } }\n";
    std::fs::write(&source, text).expect("written");
    let is_debug = |options: &[&str]| {
        let library = folder.path().join("libcrate.so");
        let compiler = Command::new("rustc")
            .args(["--crate-type=cdylib", "--edition=2024", "-o"])
            .args([library.as_path(), source.as_path()])
            .args(options)
            .output()
            .expect("rustc");
        assert!(compiler.status.success(), "{}", String::from_utf8_lossy(&compiler.stderr));
        check::check(&library).is_debug_build
    };
    assert!(is_debug(&["-Cstrip=symbols"]));
    assert!(!is_debug(&["-O"]));
}

/// A loop that compilers turn into the widest vectors that they may use.
const LOOP: &str = "static double values[1000]; __attribute__((noinline)) static void scale(double by)\n\
                    { for (int at = 0; at < 1000; at++) values[at] *= by; }";

#[test]
fn code_for_other_processors_than_those_of_lambda_is_known_unless_it_may_ask_first() {
    let (name, lambdas, others) = match arch().name {
        "x86_64" => ("AVX-512", "-march=x86-64-v3", "-march=x86-64-v4"),
        _ => ("SVE", "-mcpu=neoverse-n1", "-march=armv8.2-a+sve"),
    };
    let call = "scale(in->event.length); return values[3] > 1;";
    let compiled = |declarations: &str, statement: &str, option| {
        let options = ["-O3", "-mprefer-vector-width=512", option];
        let options = if name == "SVE" { vec!["-O3", option] } else { options.to_vec() };
        let check = judged(&format!("{declarations}\n{LOOP}"), statement, &options);
        let extension = check.extension.expect("code");
        assert_eq!(extension.name, name);
        (extension.needed, check.warnings)
    };
    assert_eq!(compiled("", call, lambdas), (Needed::No, Vec::new()));
    let (needed, warnings) = compiled("", call, others);
    assert_eq!(needed, Needed::Yes);
    let words = format!("it has {name} instructions and never asks the processor for {name}");
    assert!(warnings[0].starts_with(&words) && warnings[0].contains(lambdas), "{warnings:?}");
    // Whether the answer decides is not known.
    let question = "unsigned long getauxval(unsigned long);";
    let asking = format!("if (getauxval(16)) {{ {call} }} return 0;");
    assert_eq!(compiled(question, &asking, others), (Needed::Unknown, Vec::new()));
}

#[test]
fn advice_is_about_what_is_there() {
    let many = "struct item { const char *name; } many[6000] = {[0 ... 5999] = {\"one\"}};";
    let check = judged(many, "return many[in->event.length].name != 0;", &["-O2"]);
    let [advice] = &check.faster[..] else { panic!("{check}") };
    assert!(advice.contains("linked with -fuse-ld=lld -Wl,--pack-dyn-relocs=relr"), "{advice}");
    assert!(check::check(Path::new("/nowhere")).faster.is_empty());
}
