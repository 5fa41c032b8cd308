//! `pilotlight invoke`.

use std::io;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use pilotlight_local::invoke;
use pilotlight_local::invoke::Plan;

use super::read_event;

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// The function's name, with a qualifier or not.
    name: String,
    /// The event: JSON, @FILE for a file's bytes, or - for standard input.
    #[arg(long, default_value = "{}")]
    event: String,
    /// Whether to wait for the answer, or only to have the event taken, or checked.
    #[arg(long = "type", default_value = "RequestResponse", value_parser = ["RequestResponse", "Event", "DryRun"])]
    kind: String,
    /// Where it is served.
    #[arg(long, default_value = "http://127.0.0.1:9000", value_name = "URL")]
    endpoint: String,
}

/// Exit code 1 says that the function failed, 2 that it was not invoked.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let event = read_event(&arguments.event)?;
    let Arguments { name, kind, endpoint, .. } = arguments;
    let plan = Plan { name, event: &event, kind, endpoint };
    let failed = invoke::invoke(&plan, &mut io::stdout().lock())?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
