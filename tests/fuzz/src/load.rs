//! A handler library, mapped and relocated by the bootstrap's loader in a child process: it never
//! dies of it, and refuses what the same steps over copies refuse.

#![no_main]

use std::ffi::CStr;
use std::ffi::CString;
use std::fs;
use std::os::fd::AsRawFd as _;
use std::os::fd::FromRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pilotlight_host::file::File;
use pilotlight_host::map;
use pilotlight_loader::Defect;
use pilotlight_loader::EntrySymbol;
use pilotlight_loader::catalog::SymbolCatalog;
use pilotlight_loader::copies;
use pilotlight_loader::copies::Copies;
use pilotlight_loader::elf;
use pilotlight_loader::link;

const ENTRY_SYMBOL: EntrySymbol = EntrySymbol { name: "pilotlight_library", size: 24 };
/// Exit codes of the child.
const LOADED: i32 = 0;
const REFUSED: i32 = 1;

static RUNTIME: LazyLock<SymbolCatalog> = LazyLock::new(SymbolCatalog::default);
/// A file that is nowhere, and gone with the process.
static MEMORY: LazyLock<fs::File> = LazyLock::new(|| {
    // SAFETY: the name ends with NUL, and the descriptor has no other owner.
    unsafe { fs::File::from_raw_fd(libc::memfd_create(c"library".as_ptr(), 0)) }
});

/// The steps over copies, which guide the fuzzer: what a child has covered it cannot see.
fn judge(file: &[u8]) -> Result<(), Defect> {
    if file.is_empty() {
        return Err(Defect::Empty);
    }
    let parsed = elf::parse(file)?;
    let tables = copies::tables(&parsed, file);
    let mut copies = Copies::of(&parsed, file);
    link(&parsed, &tables, &mut copies.data(), 0x10_0000_0000, &*RUNTIME, ENTRY_SYMBOL).map(|_| ())
}

/// Maps and relocates the file, and says whether it was refused.
fn load(path: &CStr) -> i32 {
    let file = File::open(path).expect("open");
    match map::load(&file, path, &*RUNTIME, ENTRY_SYMBOL.name, ENTRY_SYMBOL.size) {
        Ok(library) => library.protect().map_or(REFUSED, |()| LOADED),
        Err(_) => REFUSED,
    }
}

fuzz_target!(|file: &[u8]| {
    let verdict = judge(file);
    MEMORY.set_len(file.len() as u64).expect("set");
    MEMORY.write_all_at(file, 0).expect("written");
    let path = CString::new(format!("/proc/self/fd/{}", MEMORY.as_raw_fd())).expect("no NUL");
    let mut status = 0;
    // SAFETY: the fuzzer has one thread, and the child ends without returning to it.
    match unsafe { libc::fork() } {
        0 => unsafe { libc::_exit(load(&path)) },
        child => assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child),
    }
    assert!(libc::WIFEXITED(status), "the child died by signal {}", libc::WTERMSIG(status));
    let expected = if verdict.is_ok() { LOADED } else { REFUSED };
    assert_eq!(libc::WEXITSTATUS(status), expected, "over copies: {verdict:?}");
});
