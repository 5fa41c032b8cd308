//! The risks of a library that loads, and the changes that would make it start faster.

use pilotlight_loader::has_local;
use pilotlight_loader::sections::strippable_size;

use super::Check;
use super::Extension;
use super::Needed;
use super::compiler;
use super::judge::Library;

/// Relative relocations without advice: applying more takes longer than the smallest start.
pub const MAX_QUIET_RELOCATIONS: usize = 5000;
/// Bytes of symbols and debug information without advice.
const MAX_QUIET_SYMBOLS: usize = 64 << 10;
/// Bytes of a stripped library without advice.
const MAX_QUIET_SIZE: usize = 4 << 20;
/// Functions of the C library whose results the caller frees.
const ALLOCATING: [&str; 15] = [
    "__getdelim",
    "asprintf",
    "get_current_dir_name",
    "getdelim",
    "getline",
    "open_memstream",
    "open_wmemstream",
    "realpath",
    "scandir",
    "scandir64",
    "strdup",
    "strndup",
    "tempnam",
    "vasprintf",
    "wcsdup",
];

/// The changes that keep a library that loads from failing, or from being slow.
pub fn warnings(check: &Check, library: &Library) -> Vec<String> {
    let debug = check.is_debug_build.then(|| {
        let remedy = if compiler::is_rust(library.file) { "with --release" } else { "with -O2" };
        format!("it is a debug build; build it {remedy}")
    });
    let extension = check.extension.filter(|extension| extension.needed == Needed::Yes);
    let extension = extension.map(|Extension { name, remedy, .. }| {
        format!(
            "it has {name} instructions and never asks the processor for {name}, which not all of Lambda's have; build it with {remedy}"
        )
    });
    debug.into_iter().chain(extension).chain(foreign_heap(library)).collect()
}

/// A heap that the C library does not know, in a library that would free results of the C library
/// there.
fn foreign_heap(library: &Library) -> Option<String> {
    if !has_local(library.file, b"free") {
        return None;
    }
    let symbols = &library.requirements.as_ref()?.symbols;
    let names: Vec<&str> = ALLOCATING.into_iter().filter(|name| symbols.contains(*name)).collect();
    (!names.is_empty()).then(|| {
        format!(
            "it has a `free` that it does not export, which cannot take what the C library allocates ({}); give the allocator's functions a prefix (tikv-jemallocator: without unprefixed_malloc_on_supported_platforms; mimalloc: without override), or export them",
            names.join(", ")
        )
    })
}

/// The changes that would make a library that loads start faster.
pub fn faster(check: &Check, library: &Library) -> Vec<String> {
    let is_rust = compiler::is_rust(library.file);
    let mut advice = Vec::new();
    // A debug build has too much of everything, and another remedy.
    if !check.is_debug_build {
        let symbols = strippable_size(library.file);
        if symbols > MAX_QUIET_SYMBOLS {
            let remedy = if is_rust {
                "set strip = \"symbols\" in the release profile"
            } else {
                "link with -s"
            };
            advice.push(format!("{symbols} bytes are symbols and debug information; {remedy}"));
        }
        if is_rust && library.file.len() - symbols > MAX_QUIET_SIZE {
            advice.push("a cold start reads a file this large; set lto = \"fat\" and codegen-units = 1 in the release profile, and leave out features of dependencies".into());
        }
    }
    advice.extend(fixed_address(library, is_rust));
    advice
}

/// Relocations that an address of its own and packed relocations would spare the start.
fn fixed_address(library: &Library, is_rust: bool) -> Option<String> {
    let needs = library.requirements.as_ref()?;
    let first = library.parsed.as_ref()?.segments.first()?;
    // In a library linked for a fixed address, packed relocations change nothing.
    let packed = if first.address > 0 { 0 } else { needs.packed_relative };
    let relative = needs.unpacked_relative + packed;
    if relative <= MAX_QUIET_RELOCATIONS {
        return None;
    }
    let pack = if is_rust { "-z,pack-relative-relocs" } else { "--pack-dyn-relocs=relr" };
    let linker = (!compiler::has_modern_linker(library.file)).then_some("-fuse-ld=lld");
    let options = [format!("-Wl,{pack}"), "-Wl,--image-base=0x1000000000".to_owned()];
    let options = linker.map(str::to_owned).into_iter().chain(options);
    let prefix = if is_rust { "-Clink-arg=" } else { "" };
    let options: Vec<String> = options.map(|option| format!("{prefix}{option}")).collect();
    Some(format!(
        "{relative} relative relocations are applied at every start, and copy the pages that they change; linked with {} it needs none, and lies at the same address in every process",
        options.join(" ")
    ))
}
