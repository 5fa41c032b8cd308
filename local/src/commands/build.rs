//! `pilotlight build`.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use clap::ValueEnum;
use pilotlight_local::build;
use pilotlight_local::build::Built;
use pilotlight_local::build::Form;
use pilotlight_local::build::Judged;
use pilotlight_local::build::Module;
use pilotlight_local::build::cargo;
use pilotlight_local::build::cargo::CargoFailed;
use pilotlight_local::cpu::Cpu;
use pilotlight_local::functions::BUILT;

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// Handler libraries that are built already, in C, C++ or another language; without one, Cargo
    /// builds those of the package or workspace in this folder.
    #[arg(value_name = "LIBRARY.so", conflicts_with = "Selection")]
    libraries: Vec<PathBuf>,
    #[command(flatten)]
    selection: Selection,
    /// The function's architecture, x86_64 or arm64: by default its library's, or this machine's.
    #[arg(long, value_name = "ARCHITECTURE", value_parser = Cpu::named)]
    arch: Option<&'static Cpu>,
    /// Write a zip as well, to be uploaded as it is.
    #[arg(long)]
    zip: bool,
    /// Write the handler's library alone, for a function with the layer.
    #[arg(long)]
    layer: bool,
    /// Carry what the handler shows no need of: services, for the fan-outs of pings.
    #[arg(long, value_enum, value_delimiter = ',', conflicts_with = "layer")]
    with: Vec<Part>,
    /// Leave out what the handler can need, but this function does not: services (which fetches
    /// configuration), libc (the rarer functions of the C library).
    #[arg(long, value_enum, value_delimiter = ',', conflicts_with = "layer")]
    without: Vec<Part>,
    /// Describe what was written as JSON.
    #[arg(long)]
    json: bool,
}

/// The libraries that Cargo builds.
#[derive(Args)]
struct Selection {
    /// A package to build; may be repeated.
    #[arg(short, long = "package", value_name = "PACKAGE")]
    packages: Vec<String>,
    /// Build all packages of the workspace.
    #[arg(long)]
    workspace: bool,
    /// Build the packages' libraries, without examples.
    #[arg(long)]
    lib: bool,
    /// An example to build; may be repeated.
    #[arg(long = "example", value_name = "NAME")]
    examples: Vec<String>,
    /// Build without optimisations, with the profile dev.
    #[arg(long, conflicts_with = "profile")]
    debug: bool,
    /// Cargo's profile; by default release.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Keep the library's symbols, which name functions in stack traces.
    #[arg(long)]
    symbols: bool,
    /// The path of Cargo.toml.
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
    /// Features to activate, as Cargo takes them.
    #[arg(short = 'F', long, value_name = "FEATURES")]
    features: Vec<String>,
    /// Require that Cargo.lock is up to date.
    #[arg(long)]
    locked: bool,
    /// Do not use the network.
    #[arg(long)]
    offline: bool,
    /// Other arguments of `cargo build`, except --target.
    #[arg(last = true, value_name = "CARGO ARGUMENTS")]
    others: Vec<OsString>,
}

/// A library of the layer.
#[derive(Clone, Copy, ValueEnum)]
enum Part {
    Services,
    Libc,
}

impl Arguments {
    fn form(&self) -> Form {
        let module = |part: &Part| match part {
            Part::Services => Module::Services,
            Part::Libc => Module::Libc,
        };
        let modules = |parts: &[Part]| parts.iter().map(module).collect();
        let (with, without) = (modules(&self.with), modules(&self.without));
        Form { for_layer: self.layer, zip: self.zip, with, without }
    }

    /// The libraries, judged, and the folder for the functions.
    fn judged(&self) -> Result<(Vec<Judged>, PathBuf)> {
        if self.libraries.is_empty() {
            return cargo::build(&self.selection.options(self.arch));
        }
        let judge = |path: &PathBuf| build::judge(path, build::name(path)?, self.arch);
        let judged: Result<_> = self.libraries.iter().map(judge).collect();
        Ok((judged?, PathBuf::from(BUILT)))
    }
}

impl Selection {
    fn options(&self, cpu: Option<&'static Cpu>) -> cargo::Options {
        let mut arguments = self.others.clone();
        for features in &self.features {
            arguments.extend(["--features".into(), features.into()]);
        }
        for (is_set, flag) in [(self.locked, "--locked"), (self.offline, "--offline")] {
            arguments.extend(is_set.then(|| flag.into()));
        }
        cargo::Options {
            cpu,
            packages: self.packages.clone(),
            workspace: self.workspace,
            lib: self.lib,
            examples: self.examples.clone(),
            profile: if self.debug { Some("dev".to_owned()) } else { self.profile.clone() },
            symbols: self.symbols,
            manifest: self.manifest_path.clone(),
            arguments,
        }
    }
}

/// Writes each function. If one is refused, none is written. If Cargo fails, its exit code.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let judged = match arguments.judged() {
        Ok(judged) => judged,
        Err(error) => {
            // Cargo has said why.
            let failed: CargoFailed = error.downcast()?;
            return Ok(ExitCode::from(failed.code));
        }
    };
    let (libraries, target) = judged;
    let target = from_here(&target);
    let form = arguments.form();
    let write = |library| build::write(library, &target, &form);
    let built: Vec<Built> = libraries.iter().map(write).collect::<Result<_>>()?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&built)?);
    } else {
        built.iter().for_each(|built| anstream::print!("{built}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The path as seen from the current folder, if it lies in that.
fn from_here(path: &Path) -> PathBuf {
    let here = env::current_dir().ok();
    let inside = here.and_then(|here| path.strip_prefix(here).ok());
    inside.unwrap_or(path).to_path_buf()
}
