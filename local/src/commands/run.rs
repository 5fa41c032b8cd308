//! `pilotlight run`.

use std::io;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use pilotlight_local::function::SNAP_START;
use pilotlight_local::interrupt::Interrupts;
use pilotlight_local::process::Workplace;
use pilotlight_local::run;

use super::Target;
use super::limit_memory;
use super::read_event;
use super::say_conditions;

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    target: Target,
    /// The number of invocations.
    #[arg(long, default_value_t = 1)]
    count: usize,
    /// Takes a snapshot of the process after its init and restores it, as SnapStart does.
    #[arg(long)]
    snapstart: bool,
}

/// Exit code 1: an invocation ended with an error. Exit code 2: the function could not be invoked.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut function = arguments.target.function()?;
    if arguments.snapstart {
        function.initialization_type = SNAP_START;
    }
    limit_memory(&mut function);
    say_conditions(&function);
    let event = read_event(&arguments.target.event)?;
    let _interrupts = Interrupts::catch()?;
    let workplace = Workplace::open()?;
    let mut responses = io::stdout().lock();
    let errors = run::run(&function, &event, arguments.count, workplace.folder(), &mut responses)?;
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
