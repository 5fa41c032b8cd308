//! Compares the public headers of glibc and musl: handlers are compiled against glibc's and call
//! musl's functions, so every type and constant must mean the same in both. A difference is a fault
//! unless `differences.txt` gives the reason why handlers do not notice it.
//!
//! Bit-fields are not compared: C has no expression for their offset.

mod dwarf;
mod probe;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;

use tempfile::TempDir;

use self::probe::Compiler;
use self::probe::Macro;
use crate::support::arch::arch;

const DIFFERENCES: &str = include_str!("differences.txt");

/// The folders of public headers in each.
const FOLDERS: [&str; 7] = ["", "arpa", "net", "netinet", "netpacket", "scsi", "sys"];
/// Headers that only include one of the kernel's, which musl does not have.
const KERNEL: [&str; 3] = ["sys/kd.h", "sys/soundcard.h", "sys/vt.h"];

/// Whether programs may use a name of the C library: it does not begin with an underscore, or is an
/// argument of `sysconf`, `pathconf` or `confstr`.
fn is_public(name: &str) -> bool {
    !name.starts_with('_') || ["_SC_", "_PC_", "_CS_"].iter().any(|start| name.starts_with(start))
}

/// The headers that both C libraries have, as an `#include` names them.
fn headers() -> Vec<String> {
    let (glibc, musl) = arch().headers();
    let mut found = Vec::new();
    for folder in FOLDERS {
        for entry in fs::read_dir(musl.join(folder)).expect("musl's headers") {
            let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
            let name = Path::new(folder).join(name).display().to_string();
            let is_glibcs = glibc.iter().any(|root| root.join(&name).is_file());
            if name.ends_with(".h") && is_glibcs && !KERNEL.contains(&name.as_str()) {
                found.push(name);
            }
        }
    }
    found.sort();
    found
}

/// A question to the compilers: a name, and the property asked for.
type Question = (String, String);

/// Every question about the names that glibc's headers declare, with its expression in C.
fn questions(
    glibc: &Compiler,
    macros: &BTreeMap<String, Macro>,
    folder: &Path,
) -> BTreeMap<Question, String> {
    let declared = glibc.declared(folder);
    let mut asked = BTreeMap::new();
    let mut ask = |about: &str, what: String, expression: String| {
        asked.insert((about.to_owned(), what), expression);
    };
    for name in macros.keys().chain(&declared.constants) {
        ask(name, "value".into(), format!("INTEGER({name})"));
    }
    // Initialisers are only compared for existence: their bytes are no constants in C.
    for (part, kind) in [("_MUTEX_", "mutex"), ("_RWLOCK_", "rwlock"), ("_COND_", "cond")] {
        let is_initializer = |name: &str| name.contains(part) && name.contains("_INITIALIZER");
        for name in macros.keys().filter(|name| is_initializer(name)) {
            ask(name, "size".into(), format!("sizeof((pthread_{kind}_t){name})"));
        }
    }
    for (name, members) in &declared.types {
        ask(name, "size".into(), format!("sizeof({name})"));
        ask(name, "alignment".into(), format!("_Alignof({name})"));
        ask(name, "signedness".into(), format!("({name})-1 < ({name})0"));
        // Members that are macros: `st_atime` is `st_atim.tv_sec`.
        let is_part = |text: &Macro| {
            text.body.split_once('.').is_some_and(|(first, _)| members.contains(first))
        };
        let parts = macros.iter().filter(|(_, text)| is_part(text));
        for member in members.iter().chain(parts.map(|(name, _)| name)) {
            let value = format!("(({name} *)0)->{member}");
            ask(name, format!("size of {member}"), format!("sizeof({value})"));
            let offset = format!("__builtin_offsetof({name}, {member})");
            ask(name, format!("offset of {member}"), offset);
        }
    }
    asked
}

/// The reasons of the list, by names.
struct Excuses {
    entries: Vec<(&'static str, &'static str)>,
}

impl Excuses {
    fn read() -> Excuses {
        let lines = DIFFERENCES.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let entries = lines.map(|line| line.split_once(": ").expect("name: reason"));
        let ours = entries.filter_map(|(name, reason)| match name.split_once(" on ") {
            Some((name, cpu)) => (cpu == arch().name).then_some((name, reason)),
            None => Some((name, reason)),
        });
        Excuses { entries: ours.collect() }
    }

    /// Whether the list has a reason why the two differ in a name.
    fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(entry, _)| *entry == name)
    }

    /// Whether the list has a reason why musl lacks a name. A `*` in an entry matches any text.
    fn has_absence(&self, name: &str) -> bool {
        self.entries.iter().any(|(entry, _)| match entry.split_once('*') {
            Some((start, end)) => name.starts_with(start) && name.ends_with(end),
            None => *entry == name,
        })
    }
}

#[test]
fn musl_means_what_glibcs_headers_say() {
    let folder = TempDir::new().expect("a folder");
    let headers = headers();
    let glibc = Compiler::new("glibc", || arch().compiler(true), &headers);
    let musl = Compiler::new("musl", || arch().musl_compiler(), &headers);
    let macros = glibc.macros(folder.path());
    let asked = questions(&glibc, &macros, folder.path());
    let (glibcs, musls) = thread::scope(|scope| {
        let musls = scope.spawn(|| musl.answers(folder.path(), &asked));
        (glibc.answers(folder.path(), &asked), musls.join().expect("musl's answers"))
    });
    assert!(glibcs.len() > 10_000 && musls.len() > 10_000, "headers were not found");

    let excuses = Excuses::read();
    let known: BTreeSet<&str> = musls.keys().map(|(about, _)| about.as_str()).collect();
    let is_kernels = |name: &str| macros.get(name).is_some_and(|found| found.is_kernels);
    let mut faults = BTreeSet::new();
    for ((about, what), value) in &glibcs {
        match musls.get(&(about.clone(), what.clone())) {
            Some(found) if found == value || excuses.has(about) => {}
            Some(found) => {
                faults.insert(format!("{about}: {what} is {value} in glibc, {found} in musl"));
            }
            None if known.contains(about.as_str()) => {
                if !excuses.has(about) {
                    faults.insert(format!("{about}: musl has no {what}"));
                }
            }
            // A name of the kernel, whose value the C library only passes on.
            None if is_kernels(about) || excuses.has_absence(about) => {}
            None => {
                faults.insert(format!("{about}: musl lacks it"));
            }
        }
    }
    let faults: Vec<String> = faults.into_iter().collect();
    assert!(
        faults.is_empty(),
        "fix it, or give the reason in tests/it/libc/headers/differences.txt:\n{}",
        faults.join("\n")
    );
}
