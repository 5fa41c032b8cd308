//! `pilotlight check`.

use std::io;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use anyhow::Result;
use clap::Args;
use pilotlight_local::check;
use pilotlight_local::check::Check;
use pilotlight_local::cpu::Cpu;

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// Handler libraries, or files that are a whole function.
    #[arg(required = true)]
    libraries: Vec<PathBuf>,
    /// The architecture that they have to be for, x86_64 or arm64: by default their own.
    #[arg(long, value_name = "ARCHITECTURE", value_parser = Cpu::named)]
    arch: Option<&'static Cpu>,
    /// Print the findings as JSON: a list with one object for each file.
    #[arg(long)]
    json: bool,
}

/// Exit code 1: the bootstrap would refuse one of the libraries.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let checks: Vec<Check> =
        arguments.libraries.iter().map(|path| check::check_for(path, arguments.arch)).collect();
    let text = if arguments.json {
        serde_json::to_string_pretty(&checks)? + "\n"
    } else {
        checks.iter().map(Check::to_string).collect()
    };
    io::stdout().write_all(text.as_bytes()).context("standard output")?;
    let all_load = checks.iter().all(|check| check.loads);
    Ok(if all_load { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
