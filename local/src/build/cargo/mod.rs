//! Builds the handler libraries of a Cargo workspace.
//!
//! Each library is built by `cargo rustc`, which gives the linker's options to that library alone:
//! neither the user's own flags nor the dependencies' builds change. (Flags for a whole target
//! would replace `build.rustflags`.)

mod linker;
mod workspace;

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use serde::Deserialize;

use self::linker::Linker;
use self::linker::PLACE;
use self::workspace::Candidate;
use self::workspace::Workspace;
use super::Judged;
use super::library::Facts;
use crate::check::MAX_QUIET_RELOCATIONS;
use crate::cpu::Cpu;
use crate::log;

/// The packages and libraries to build, and how.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The architecture; by default this machine's.
    pub cpu: Option<&'static Cpu>,
    /// The names of packages; by default those that `cargo build` would build.
    pub packages: Vec<String>,
    /// All packages of the workspace.
    pub workspace: bool,
    /// Only the packages' `[lib]`.
    pub lib: bool,
    /// Only these examples.
    pub examples: Vec<String>,
    /// Cargo's profile; by default `release`.
    pub profile: Option<String>,
    /// Whether the library's symbols are kept.
    pub symbols: bool,
    /// The manifest; by default the nearest one.
    pub manifest: Option<PathBuf>,
    /// Other arguments of `cargo build`.
    pub arguments: Vec<OsString>,
}

/// Cargo has failed, and has said why.
#[derive(Debug)]
pub struct CargoFailed {
    /// Its exit code.
    pub code: u8,
}

impl fmt::Display for CargoFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cargo failed with exit code {}", self.code)
    }
}

impl std::error::Error for CargoFailed {}

/// Builds all libraries that export handlers, and judges them. Returns them with the folder for
/// what is made of them. Progress and errors are Cargo's, on standard error.
pub fn build(options: &Options) -> Result<(Vec<Judged>, PathBuf)> {
    let cpu = options.cpu.unwrap_or_else(Cpu::native);
    let workspace = Workspace::read(options)?;
    let candidates = workspace.candidates(options)?;
    let linker = Linker::find(cpu, &workspace.target_directory)?;
    let mut found = BTreeMap::new();
    let mut left_out = Vec::new();
    for candidate in &candidates {
        let Candidate { name, .. } = candidate;
        match one(candidate, options, &linker)? {
            Some(judged) => found.insert(name, judged).is_some(),
            None => {
                log::say(format_args!("{name} exports no handlers, and is left out"));
                left_out.push(name.as_str());
                false
            }
        };
    }
    if found.is_empty() {
        let names = left_out.join(", ");
        bail!("no handlers in {names}; add pilotlight::handler!(function) to the library");
    }
    Ok((found.into_values().collect(), workspace.target_directory.join("lambda")))
}

/// Builds one library, a second time if it pays to link it for an address of its own. None if it
/// exports no handlers.
fn one(candidate: &Candidate, options: &Options, linker: &Linker) -> Result<Option<Judged>> {
    let is_debug = options.profile.as_deref() == Some("dev");
    let mut flags = Vec::new();
    if !is_debug {
        flags.extend(linker.flags.iter().cloned());
        if !options.symbols {
            flags.push("-Cstrip=symbols".to_owned());
        }
    }
    let path = compile(candidate, options, linker, &flags)?;
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let Some(facts) = Facts::of(&bytes).filter(|facts| facts.has_handlers) else {
        return Ok(None);
    };
    let relative = facts.requirements.unpacked_relative + facts.requirements.packed_relative;
    let pays = facts.address == 0 && relative > MAX_QUIET_RELOCATIONS;
    if pays && !is_debug && linker.can_place() {
        flags.push(PLACE.to_owned());
        compile(candidate, options, linker, &flags)?;
    }
    super::judge(&path, &candidate.name, Some(linker.cpu)).map(Some)
}

/// Runs `cargo rustc` for a library; returns the path that Cargo names.
fn compile(
    candidate: &Candidate,
    options: &Options,
    linker: &Linker,
    flags: &[String],
) -> Result<PathBuf> {
    let mut command = cargo("rustc", options.manifest.as_deref());
    command.args(["--message-format=json-render-diagnostics", "--target", &linker.target]);
    command.args(["--profile", options.profile.as_deref().unwrap_or("release")]);
    command.args(["--package", &candidate.package]).args(candidate.selection());
    command.args(&options.arguments).arg("--").args(flags).envs(linker.variable());
    let output = run(&mut command)?;
    let messages = output.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let artifacts = messages.filter(|message| candidate.is_of(&message.target));
    let mut files = artifacts.flat_map(|message| message.filenames);
    let library = files.rfind(|file| file.extension().is_some_and(|extension| extension == "so"));
    library.with_context(|| format!("cargo has built no shared library of {}", candidate.name))
}

/// Cargo's message about something that it has built; others have other fields.
#[derive(Deserialize)]
struct Message {
    target: workspace::Target,
    filenames: Vec<PathBuf>,
}

/// A command of Cargo: of the one that has started this program, or else of that on the PATH.
fn cargo(name: &str, manifest: Option<&Path>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg(name);
    if let Some(manifest) = manifest {
        command.arg("--manifest-path").arg(manifest);
    }
    command
}

/// The standard output of a command of Cargo; its standard error is the user's.
fn run(command: &mut Command) -> Result<String> {
    let started = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = started.context(
        "cannot run cargo; install Rust (https://rustup.rs), or pass the path of a library that is \
         built already",
    )?;
    if !output.status.success() {
        let code = output.status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
        return Err(CargoFailed { code }.into());
    }
    String::from_utf8(output.stdout).context("cargo's messages")
}
