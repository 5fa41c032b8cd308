//! The layer's files: the same bytes wherever they are built, and the tools named that make them.
//! (`./build.sh reproduce` builds them twice and compares.)

use std::env;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support;
use crate::support::arch::arch;

/// The files of the layer, by their paths in it.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let names = ["bootstrap", "pilotlight/libc.so", "pilotlight/services.so"];
    let read = |name| fs::read(support::dist(&format!("layer/{name}"))).expect("a file");
    names.map(|name| (name, read(name))).to_vec()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

/// Cargo's home, where the sources of other crates lie.
fn cargo_home() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").expect("HOME")).join(".cargo");
    env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from)
}

#[test]
fn no_file_names_a_folder_of_its_builder() {
    for folder in [cargo_home(), support::root()] {
        for (name, bytes) in files() {
            let folder = folder.to_str().expect("UTF-8");
            assert!(
                !holds(&bytes, folder),
                "{name} names {folder}: see cargo_for_layer in layer/build.sh"
            );
        }
    }
    // Panics say where they are in other crates all the same.
    let services = files().pop().expect("the last").1;
    assert!(holds(&services, "/cargo/registry/src/"), "no panic location is in it");
}

#[test]
fn the_tools_that_made_it_are_named() {
    let text = fs::read(support::dist("layer/pilotlight/build.json")).expect("a file");
    let tools: Value = serde_json::from_slice(&text).expect("JSON");
    let rustc = arch().rust("rustc", &support::root());
    for (name, mut program) in
        [("rustc", rustc), ("cc", arch().tool("gcc")), ("ld", arch().tool("ld.bfd"))]
    {
        let output = program.arg("--version").output().expect(name);
        let version = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(tools[name].as_str(), version.lines().next(), "{name}");
    }
    let musl = tools["musl"].as_str().expect("text");
    let parts: Vec<u32> = musl.split('.').map_while(|part| part.parse().ok()).collect();
    assert_eq!(parts.len(), 3, "{musl}");
}
