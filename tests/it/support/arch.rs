//! The CPU that the tests are about: this machine's, or the one that `PILOTLIGHT_TEST_ARCH` names.
//! For another CPU, cross compilers make the handlers, and an emulator runs them and the bootstrap;
//! everything else is native.

use std::env;
use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use pilotlight_loader::Defect;
use pilotlight_loader::arch::Aarch64;
use pilotlight_loader::arch::X86_64;
use pilotlight_loader::elf;
use pilotlight_loader::elf::Parsed;
use pilotlight_local::cpu::Cpu;
use tempfile::TempDir;

use crate::support;

/// A CPU.
#[derive(Debug)]
pub struct Arch {
    /// Lambda's name for it.
    pub name: &'static str,
    /// Rust's and GNU's name for it.
    pub cpu: &'static str,
    /// The folder of its layer and examples.
    dist: &'static str,
}

const ARCHES: [Arch; 2] = [
    Arch { name: "x86_64", cpu: "x86_64", dist: "dist" },
    Arch { name: "arm64", cpu: "aarch64", dist: "dist/arm64" },
];

/// The CPU that the tests are about.
pub fn arch() -> &'static Arch {
    static CHOSEN: OnceLock<&Arch> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let wanted = env::var("PILOTLIGHT_TEST_ARCH");
        let is_wanted = |arch: &&Arch| match &wanted {
            Ok(name) => arch.name == name,
            Err(_) => arch.cpu == env::consts::ARCH,
        };
        let names = "PILOTLIGHT_TEST_ARCH must be x86_64 or arm64";
        ARCHES.iter().find(is_wanted).expect(names)
    })
}

impl Arch {
    /// Whether its programs need an emulator here.
    pub fn is_emulated(&self) -> bool {
        !self.lambdas().is_native()
    }

    /// The folder of something that `./build.sh` has built: the command is for this machine.
    pub fn folder(&self, path: &str) -> &'static str {
        let is_theirs = ["layer/", "examples"].iter().any(|start| path.starts_with(start));
        if is_theirs { self.dist } else { "dist" }
    }

    /// A program for this CPU, as a command.
    pub fn command(&self, program: &Path) -> Command {
        if !self.is_emulated() {
            return Command::new(program);
        }
        let mut command = Command::new(self.lambdas().emulator().expect("an emulator"));
        command.arg(program);
        command
    }

    /// As [`Arch::command`], as one program: a script in `folder` if it needs an emulator.
    pub fn program(&self, program: &Path, folder: &Path) -> PathBuf {
        if !self.is_emulated() {
            return program.to_path_buf();
        }
        let script = folder.join("program");
        let emulator = self.lambdas().emulator().expect("an emulator");
        let text = format!("#!/bin/sh\nexec {} {} \"$@\"\n", emulator.display(), program.display());
        fs::write(&script, text).expect("written");
        fs::set_permissions(&script, Permissions::from_mode(0o755)).expect("made executable");
        script
    }

    /// The command's own knowledge of it.
    pub fn lambdas(&self) -> &'static Cpu {
        Cpu::named(self.name).expect("a name of Lambda's")
    }

    /// Reads a library's headers as the bootstrap for this CPU does.
    pub fn parse(&self, file: &[u8]) -> Result<Parsed, Defect> {
        match self.cpu {
            "x86_64" => elf::parse_for::<X86_64>(file),
            _ => elf::parse_for::<Aarch64>(file),
        }
    }

    /// A tool of the C compiler's family.
    pub fn tool(&self, name: &str) -> Command {
        let prefix = format!("{}-linux-gnu-", self.cpu);
        Command::new(format!("{}{name}", if self.is_emulated() { &prefix } else { "" }))
    }

    /// The compiler of C or C++.
    pub fn compiler(&self, is_c: bool) -> Command {
        if !self.is_emulated() {
            return Command::new(if is_c { "cc" } else { "c++" });
        }
        let mut compiler = self.tool(if is_c { "gcc" } else { "g++" });
        compiler.arg("-B").arg(linkers());
        compiler
    }

    /// The compiler of C with musl's headers.
    pub fn musl_compiler(&self) -> Command {
        if !self.is_emulated() {
            return Command::new("musl-gcc");
        }
        Command::new(self.musl().join("bin/musl-gcc"))
    }

    /// The prefix of a musl that is not the system's own.
    fn musl(&self) -> PathBuf {
        support::tools().join(format!("musl-{}", self.cpu))
    }

    /// The folders of glibc's and the kernel's headers, and that of musl's.
    pub fn headers(&self) -> (Vec<PathBuf>, PathBuf) {
        if self.is_emulated() {
            let glibc = format!("/usr/{}-linux-gnu/include", self.cpu);
            return (vec![glibc.into()], self.musl().join("include"));
        }
        let glibc = ["/usr/include".into(), format!("/usr/include/{}-linux-gnu", self.cpu)];
        let prefix =
            env::var_os("PILOTLIGHT_MUSL").map(|prefix| Path::new(&prefix).join("include"));
        let debian = || format!("/usr/include/{}-linux-musl", self.cpu).into();
        (glibc.map(PathBuf::from).to_vec(), prefix.unwrap_or_else(debian))
    }

    /// A Rust tool that builds for this CPU, in a folder of the workspace.
    pub fn rust(&self, tool: &str, folder: &Path) -> Command {
        let mut command = Command::new(support::root().join("tests/rust.sh"));
        command.arg(self.name).arg(tool).current_dir(folder);
        command
    }
}

/// A folder of linkers for every CPU. Cross compilers look for those with their own prefix alone.
fn linkers() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let output = Command::new("rustc").args(["--print", "sysroot"]).output().expect("rustc");
        let sysroot = String::from_utf8(output.stdout).expect("UTF-8");
        let host = format!("{}-unknown-linux-gnu", env::consts::ARCH);
        let lld = format!("{}/lib/rustlib/{host}/bin/gcc-ld/ld.lld", sysroot.trim_end());
        let folder = TempDir::new().expect("a folder");
        for (name, program) in [("ld.lld", lld.as_str()), ("ld.mold", "/usr/bin/mold")] {
            symlink(program, folder.path().join(name)).expect("linked");
        }
        folder
    });
    folder.path()
}
