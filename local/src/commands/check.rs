//! `pilotlight check`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use pilotlight_local::check;

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// The handler library.
    library: PathBuf,
}

/// Exit code 1: the bootstrap would refuse the library.
pub fn run(arguments: &Arguments) -> ExitCode {
    let check = check::check(&arguments.library);
    print!("{check}");
    if check.refusal.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
