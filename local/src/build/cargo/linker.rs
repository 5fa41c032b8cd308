//! The linker of a target, and its options that make a start faster. Linkers differ in what they
//! have and in how they refuse the rest, so a small library is linked with each option, by the
//! user's own configuration.

use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use super::super::library::Facts;
use crate::cpu::Cpu;
use crate::process;

/// Relative relocations in a bitmap.
const PACK: &str = "-Clink-arg=-Wl,-z,pack-relative-relocs";
/// An address far from those that the kernel gives.
const ADDRESS: u64 = 0x10_0000_0000;
/// Links for that address.
pub const PLACE: &str = "-Clink-arg=-Wl,--image-base=0x1000000000";

const MANIFEST: &str = r#"[package]
name = "probe"
version = "0.0.0"
edition = "2021"

[lib]
crate-type = ["cdylib"]
path = "probe.rs"

[workspace]
"#;
/// Its table needs relative relocations.
const SOURCE: &str = "static VALUE: u8 = 0;\n\
    #[no_mangle]\npub static TABLE: [&u8; 64] = [&VALUE; 64];\n";

/// The linker of a target.
#[derive(Debug)]
pub struct Linker {
    /// The CPU that it links for.
    pub cpu: &'static Cpu,
    /// Rust's name for the target.
    pub target: String,
    /// The flags for rustc that it understands.
    pub flags: Vec<String>,
    /// The program, if the user's configuration names none.
    program: Option<PathBuf>,
    /// The folder for probes.
    folder: PathBuf,
}

impl Linker {
    /// The linker for a CPU. `folder` is Cargo's for what it builds.
    pub fn find(cpu: &'static Cpu, folder: &Path) -> Result<Linker> {
        let target = format!("{}-unknown-linux-gnu", cpu.rust);
        require_std(&target)?;
        let folder = folder.join("pilotlight-probe");
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join("Cargo.toml"), MANIFEST))
            .and_then(|()| fs::write(folder.join("probe.rs"), SOURCE))
            .with_context(|| format!("cannot write to {}", folder.display()))?;
        let mut linker = Linker { cpu, target, flags: Vec::new(), program: None, folder };
        if linker.settle() || cpu.is_native() {
            // Without a linker for this machine, Cargo says what is missing.
            return Ok(linker);
        }
        let name = format!("{}-linux-gnu-gcc", cpu.rust);
        linker.program = process::find(&name);
        if linker.program.is_none() || !linker.settle() {
            bail!(
                "there is no linker for {}; install {name} (Debian: gcc-{}-linux-gnu), or name one \
                 in {}",
                cpu.name,
                cpu.rust.replace('_', "-"),
                linker.variable_name()
            );
        }
        Ok(linker)
    }

    /// Whether it can link for an address of the library's own.
    pub fn can_place(&self) -> bool {
        self.probe(&[PLACE]).is_some_and(|facts| facts.address == ADDRESS)
    }

    /// The variable that tells Cargo the program.
    pub fn variable(&self) -> Option<(String, &Path)> {
        Some((self.variable_name(), self.program.as_deref()?))
    }

    fn variable_name(&self) -> String {
        format!("CARGO_TARGET_{}_LINKER", self.target.replace('-', "_").to_uppercase())
    }

    /// Chooses the flags; false if it cannot link at all.
    fn settle(&mut self) -> bool {
        let packed = self.probe(&[PACK]);
        // Some linkers ignore the option.
        if packed.as_ref().is_some_and(|facts| facts.requirements.packed_relative > 0) {
            self.flags = vec![PACK.to_owned()];
        }
        packed.is_some() || self.probe(&[]).is_some()
    }

    /// Links the small library with these flags.
    fn probe(&self, flags: &[&str]) -> Option<Facts> {
        let mut command = super::cargo("rustc", Some(&self.folder.join("Cargo.toml")));
        command.args(["--quiet", "--offline", "--target", &self.target]);
        command.arg("--target-dir").arg(self.folder.join("target"));
        command.arg("--").args(flags).envs(self.variable());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().ok().filter(|status| status.success())?;
        let library = self.folder.join("target").join(&self.target).join("debug/libprobe.so");
        Facts::of(&fs::read(library).ok()?)
    }
}

/// Says how to get Rust's std for a target, unless it is there.
fn require_std(target: &str) -> Result<()> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output =
        Command::new(rustc).args(["--print", "target-libdir", "--target", target]).output();
    let folder = output.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    // Without rustc, Cargo says so.
    let is_missing = folder.is_some_and(|folder| !Path::new(folder.trim_end()).is_dir());
    if is_missing {
        bail!("Rust's std for {target} is missing; install it: rustup target add {target}");
    }
    Ok(())
}
