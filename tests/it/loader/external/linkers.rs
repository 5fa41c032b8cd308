//! A handler in Rust by every linker, with every layout that they offer, and in every profile: each
//! loads, and answers as it does through `dlopen`.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::thread;

use pilotlight_loader::sections::sections;
use tempfile::TempDir;

use crate::support;
use crate::support::arch::arch;
use crate::support::oracle;

const ANSWER: &str = "2 bytes, sqrt 1.414, sin 0.909, ln 0.693, exp 7.389, {\"a\": 1, \"b\": 2}, 768, \
     dropped 46, 6 panics, Err(\"invalid digit found in string\")";

/// One way to build it.
#[derive(Clone, Debug, Default)]
struct Build {
    linker: &'static str,
    /// `None` where the linker has no packed relocations.
    packed: Option<&'static str>,
    /// `--hash-style`.
    hash: &'static str,
    /// `--image-base`.
    place: Option<&'static str>,
    /// More arguments for rustc.
    profile: Vec<&'static str>,
}

impl Build {
    /// A linker's four layouts.
    fn layouts(linker: &'static str, pack: Option<&'static str>) -> Vec<Build> {
        let profile = vec!["-Copt-level=3"];
        let place = None;
        let layout = |packed, hash| Build { linker, packed, hash, place, profile: profile.clone() };
        let mut layouts = vec![layout(None, "gnu"), layout(None, "sysv")];
        if pack.is_some() {
            layouts.extend([layout(pack, "gnu"), layout(pack, "sysv")]);
        }
        layouts
    }

    /// For an address of its own, with and without packed relocations, and for one that is the
    /// bootstrap's.
    fn places() -> Vec<Build> {
        let lld = |packed, place| Build {
            linker: "lld",
            hash: "gnu",
            packed,
            place: Some(place),
            profile: vec!["-Copt-level=3"],
        };
        let pack = Some("--pack-dyn-relocs=relr");
        vec![lld(pack, "0x1000000000"), lld(None, "0x1000000000"), lld(pack, "0x400000")]
    }

    /// With the linker that the toolchain takes by itself.
    fn profile(profile: &[&'static str]) -> Build {
        Build { profile: profile.to_vec(), ..Build::default() }
    }

    /// Builds it in `folder`, where the ABI's own crate lies.
    fn build(&self, number: usize, folder: &Path) -> PathBuf {
        let library = folder.join(format!("liblinked{number}.so"));
        let mut rustc = arch().rust("rustc", folder);
        rustc.args([
            "--edition=2024",
            "--crate-type=cdylib",
            "--crate-name=linked",
            "--cap-lints=allow",
        ]);
        rustc.args(&self.profile).arg("-L").arg(folder).arg("-o").arg(&library);
        rustc
            .arg("--extern=pilotlight_abi")
            .arg(support::root().join("tests/fixtures/linked/lib.rs"));
        if arch().is_emulated() {
            let linker = arch().compiler(true);
            rustc.arg(format!("-Clinker={}", linker.get_program().display()));
            let words = linker.get_args().map(|word| word.to_str().expect("UTF-8"));
            rustc.args(words.map(|word| format!("-Clink-arg={word}")));
        }
        if !self.linker.is_empty() {
            if arch().name == "x86_64" {
                rustc.arg("-Clinker-features=-lld");
            }
            rustc.arg(format!("-Clink-arg=-fuse-ld={}", self.linker));
            rustc.arg(format!("-Clink-arg=-Wl,--hash-style={}", self.hash));
        }
        rustc.args(self.packed.map(|argument| format!("-Clink-arg=-Wl,{argument}")));
        rustc.args(self.place.map(|place| format!("-Clink-arg=-Wl,--image-base={place}")));
        let output = rustc.output().expect("rustc");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{self:?}: {words}");
        library
    }

    /// The file is what was asked for.
    fn inspect(&self, library: &Path) {
        let file = fs::read(library).expect("the library");
        if self.linker.is_empty() {
            return;
        }
        // GNU ld is the one that leaves no mark.
        for (linker, mark) in [("lld", " LLD "), ("mold", "mold "), ("gold", "gold ")] {
            let is_there = file.windows(mark.len()).any(|part| part == mark.as_bytes());
            assert_eq!(is_there, linker == self.linker, "{self:?}: a mark of {linker}");
        }
        let (sysv_hash, gnu_hash) = (5, 0x6fff_fff6);
        let wanted = if self.hash == "sysv" { sysv_hash } else { gnu_hash };
        let hashes = sections(&file).map(|section| section.kind());
        let hashes: Vec<u32> = hashes.filter(|kind| [sysv_hash, gnu_hash].contains(kind)).collect();
        assert_eq!(hashes, [wanted], "{self:?}");
        let is_packed = sections(&file).any(|section| section.kind() == 19);
        assert_eq!(is_packed, self.packed.is_some(), "{self:?}");
    }

    fn judge(&self, library: &Path) {
        self.inspect(library);
        assert_eq!(support::verdict(library), None, "{self:?}");
        let answer = support::response(support::cold(&support::function(library, None), b"{}"));
        assert_eq!(String::from_utf8_lossy(&answer), ANSWER, "{self:?}");
        // glibc refuses packed relocations without a version that these two linkers do not write.
        if self.packed.is_none() || !["lld", "mold"].contains(&self.linker) {
            let by_dlopen = oracle::answer(library, None, "{}").expect("a response");
            assert_eq!(String::from_utf8_lossy(&by_dlopen), ANSWER, "{self:?} through dlopen");
        }
    }
}

fn builds() -> Vec<Build> {
    let release = ["-Copt-level=3", "-Cstrip=symbols"];
    let mut builds = vec![
        Build::profile(&[]),
        Build::profile(&["-Cdebuginfo=2"]),
        Build::profile(&["-Cdebuginfo=2", "-Cpanic=abort"]),
        Build::profile(&["-Cpanic=abort", "-Cstrip=symbols"]),
        Build::profile(&release),
        Build::profile(&["-Copt-level=3"]),
        Build::profile(&["-Copt-level=3", "-Cpanic=abort"]),
        Build::profile(&["-Copt-level=3", "-Clto=fat", "-Ccodegen-units=1"]),
        Build::profile(&["-Copt-level=s", "-Clto=fat", "-Cpanic=abort", "-Cstrip=symbols"]),
        Build::profile(&["-Copt-level=3", "-Clto=thin", "-Cstrip=debuginfo"]),
    ];
    // GNU ld packs none for arm64.
    let pack = "-z,pack-relative-relocs";
    builds.extend(Build::layouts("bfd", Some(pack).filter(|_| arch().name == "x86_64")));
    builds.extend(Build::layouts("gold", None));
    builds.extend(Build::layouts("lld", Some("--pack-dyn-relocs=relr")));
    builds.extend(Build::layouts("mold", Some("--pack-dyn-relocs=relr")));
    builds.extend(Build::places());
    builds
}

#[test]
fn every_linker_and_profile_makes_a_handler_that_loads() {
    const THREADS: usize = 2;
    for (linker, package) in
        [("ld.bfd", "binutils"), ("ld.gold", "binutils"), ("ld.lld", "lld"), ("mold", "mold")]
    {
        support::installed(linker, package);
    }
    let folder = TempDir::new().expect("a folder");
    let abi = arch()
        .rust("rustc", folder.path())
        .args([
            "--edition=2024",
            "--crate-type=rlib",
            "--crate-name=pilotlight_abi",
            "--cap-lints=allow",
        ])
        .arg(support::root().join("sdk/abi/src/lib.rs"))
        .arg("--out-dir")
        .arg(folder.path())
        .output()
        .expect("rustc");
    assert!(abi.status.success(), "{}", String::from_utf8_lossy(&abi.stderr));
    let builds = builds();
    if arch().name == "x86_64" {
        assert_eq!(builds.len(), 27, "the README says how many");
    }
    thread::scope(|scope| {
        for first in 0..THREADS {
            let (builds, folder) = (&builds, &folder);
            scope.spawn(move || {
                let share = builds.iter().enumerate().skip(first).step_by(THREADS);
                for (number, build) in share {
                    build.judge(&build.build(number, folder.path()));
                }
            });
        }
    });
}
