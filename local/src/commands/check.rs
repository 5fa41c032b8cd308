//! `pilotlight check`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use pilotlight_local::check;
use pilotlight_local::cpu::Cpu;

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// The handler library.
    library: PathBuf,
    /// The architecture that it has to be for, x86_64 or arm64: by default its own.
    #[arg(long, value_name = "ARCHITECTURE", value_parser = Cpu::named)]
    arch: Option<&'static Cpu>,
}

/// Exit code 1: the bootstrap would refuse the library.
pub fn run(arguments: &Arguments) -> ExitCode {
    let check = check::check_for(&arguments.library, arguments.arch);
    print!("{check}");
    if check.refusal.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
