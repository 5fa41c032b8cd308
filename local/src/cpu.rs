//! The CPUs that Lambda offers. A program for another CPU than this machine's is started under
//! QEMU's emulation of a single process, which passes variables, signals and exit codes on.

use std::env;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;
use pilotlight_loader::arch::Aarch64;
use pilotlight_loader::arch::Machine;
use pilotlight_loader::arch::Native;
use pilotlight_loader::arch::X86_64;
use pilotlight_loader::elf;

use crate::process;

/// A CPU that Lambda offers.
#[derive(Debug)]
pub struct Cpu {
    /// Its name, as Lambda spells it.
    pub name: &'static str,
    /// `e_machine`.
    pub number: u16,
    /// The folder for what is built for it, in the one that `./build.sh` fills.
    folder: &'static str,
    /// Its name in Rust's and GNU's targets.
    pub rust: &'static str,
    /// The program that runs one process of it on another CPU.
    emulator: &'static str,
}

static CPUS: [Cpu; 2] = [
    Cpu::of_machine::<X86_64>("", "x86_64", "qemu-x86_64"),
    Cpu::of_machine::<Aarch64>("arm64", "aarch64", "qemu-aarch64"),
];

impl Cpu {
    const fn of_machine<M: Machine>(
        folder: &'static str,
        rust: &'static str,
        emulator: &'static str,
    ) -> Cpu {
        Cpu { name: M::NAME, number: M::NUMBER, folder, rust, emulator }
    }

    /// The CPU that a program or library was built for; `None` for a script, another CPU, or an
    /// unreadable file.
    pub fn of(file: &Path) -> Option<&'static Cpu> {
        let mut head = [0; elf::HEADER_SIZE];
        File::open(file).and_then(|mut file| file.read_exact(&mut head)).ok()?;
        Cpu::numbered(elf::machine(&head)?)
    }

    /// The CPU with this `e_machine`.
    pub fn numbered(number: u16) -> Option<&'static Cpu> {
        CPUS.iter().find(|cpu| cpu.number == number)
    }

    /// The CPU that Lambda calls so.
    pub fn named(name: &str) -> Result<&'static Cpu> {
        let known = CPUS.iter().find(|cpu| cpu.name == name);
        known.with_context(|| {
            format!("expected {}", CPUS.each_ref().map(|cpu| cpu.name).join(" or "))
        })
    }

    /// This machine's.
    pub fn native() -> &'static Cpu {
        let [x86_64, arm64] = &CPUS;
        if x86_64.is_native() { x86_64 } else { arm64 }
    }

    /// Whether this machine runs its programs itself.
    pub fn is_native(&self) -> bool {
        self.number == Native::NUMBER
    }

    /// A file that `./build.sh` has made for it, in `dist` or `dist/arm64`; this program is in
    /// `dist/bin`.
    pub fn built(&self, file: &str) -> Result<PathBuf> {
        let program = env::current_exe()?;
        let dist = program.parent().and_then(Path::parent);
        Ok(dist.context("the command is not in dist/bin")?.join(self.folder).join(file))
    }

    /// The program that runs processes of this CPU on another one.
    pub fn emulator(&self) -> Result<PathBuf> {
        let Cpu { name, emulator, .. } = self;
        process::find(emulator).with_context(|| {
            format!(
                "{emulator}, which runs programs for {name}, is not on PATH; install it: apt install \
                 qemu-user"
            )
        })
    }
}
