//! The order of the executable's parts, from the map that the linker writes beside it.
//!
//! Source: "Linker script and memory map" of GNU ld's `-Map`: output sections at the beginning of a
//! line, and under them the patterns of the script, each with the sections that it has matched.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support;
use crate::support::arch::arch;
use crate::support::served;

const PAGE: u64 = 4096;

/// A section of an object file, in the executable.
struct Section {
    name: String,
    address: u64,
    size: u64,
    /// The object's path, or that of its archive with its own name in parentheses.
    object: String,
}

impl Section {
    /// Whether it is of the crates in Rust, which are one object.
    fn is_ours(&self) -> bool {
        self.object.ends_with("rcgu.o")
    }
}

/// A pattern of the script, and what it has matched.
struct Pattern {
    text: String,
    output: String,
    sections: Vec<Section>,
}

/// The patterns of the map of `dist/layer/bootstrap`.
fn patterns() -> Vec<Pattern> {
    let ours = fs::read(support::bootstrap()).expect("the bootstrap");
    let folders = ["target", "target/debian"].map(|folder| {
        support::root().join(folder).join(format!("{}-unknown-linux-gnu/bootstrap", arch().cpu))
    });
    let has_linked_it =
        |folder: &&PathBuf| fs::read(folder.join("bootstrap")).is_ok_and(|built| built == ours);
    let folder = folders.iter().find(has_linked_it);
    let folder = folder.expect("a map of this bootstrap: run ./build.sh");
    let map = fs::read_to_string(folder.join("bootstrap.map")).expect("the linker's map");
    let (_, map) = map.split_once("Linker script and memory map").expect("its main part");
    // A long name has a line of its own.
    let map = map.replace("\n                0x", " 0x");

    let mut patterns: Vec<Pattern> = Vec::new();
    let mut output = "";
    for line in map.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |index: usize| {
            let digits = words.get(index)?.strip_prefix("0x")?;
            u64::from_str_radix(digits, 16).ok()
        };
        if line.starts_with('.') {
            output = words[0];
        } else if line.starts_with(" *") && line.contains('(') {
            let (text, output) = (line.trim().to_owned(), output.to_owned());
            patterns.push(Pattern { text, output, sections: Vec::new() });
        } else if let (true, Some(pattern)) = (line.starts_with(" ."), patterns.last_mut())
            && let (Some(address), Some(size)) = (number(1), number(2))
        {
            let (name, object) = (words[0].to_owned(), words[3..].join(" "));
            pattern.sections.push(Section { name, address, size, object });
        }
    }
    assert!(patterns.len() > 50, "{} patterns", patterns.len());
    patterns
}

/// Otherwise a renamed file, function or variable would leave its place without a word.
#[test]
fn each_pattern_for_a_file_matches_something() {
    let empty: Vec<String> = patterns()
        .into_iter()
        .filter(|pattern| !pattern.text.starts_with("*(") && pattern.sections.is_empty())
        // The room of one CPU has variables, and that of the other none.
        .filter(|pattern| arch().name == "x86_64" || !pattern.text.starts_with("*memory.o(.bss"))
        .map(|pattern| format!("{}: {}", pattern.output, pattern.text))
        .collect();
    assert_eq!(empty, [""; 0]);
}

/// The kernel copies that page at every start; each further one costs a page fault.
#[test]
fn the_runtimes_variables_share_the_page_of_its_data() {
    let mut variables = Vec::new();
    let mut page = None;
    for pattern in patterns() {
        for section in pattern.sections {
            if pattern.output == ".data" {
                page = page.or(Some(section.address / PAGE));
            } else if pattern.output == ".bss" && section.is_ours() && section.size < PAGE {
                variables.push(section);
            }
        }
    }
    let size: u64 = variables.iter().map(|variable| variable.size).sum();
    assert!(size > 1000, "{size} bytes of variables");
    for Section { name, address, size, .. } in variables {
        assert_eq!(Some((address + size - 1) / PAGE), page, "{name} at {address:#x}");
    }
}

/// Beside a program that makes the necessary system calls alone, in the same run: 16 more, and 18
/// if the variables lie on another page than the initialised data.
#[test]
fn a_cold_start_touches_few_pages() {
    let folder = tempfile::tempdir().expect("a folder");
    let json = folder.path().join("figures.json");
    let mut command = served::command();
    command.arg("measure").arg(support::dist("examples/libhello.so"));
    command.args(["--event", r#"{"name":"Ada"}"#, "--rounds", "20", "--invocations", "1"]);
    let output = command.arg("--json").arg(&json).output().expect("pilotlight");
    assert!(output.status.success(), "{output:?}");
    let figures = fs::read_to_string(&json).expect("figures");
    let figures: Value = serde_json::from_str(&figures).expect("JSON");
    let [limit, hello] = [0, 1].map(|index| {
        let figure = &figures["candidates"][index]["figures"]["page_faults"]["median"];
        figure.as_f64().expect("a number")
    });
    println!("{limit} page faults, {hello} with a handler");
    assert!(limit >= 1.0, "they were counted");
    assert!(hello - limit <= 17.0, "{hello} page faults, and {limit} of the smallest program");
}
