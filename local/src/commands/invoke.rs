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
    /// The function's name, optionally with a qualifier.
    name: String,
    /// The event: JSON, @FILE for a file's bytes, or - for standard input.
    #[arg(long, default_value = "{}")]
    event: String,
    /// Wait for the response, only queue the event, or only check the request.
    #[arg(long = "type", default_value = "RequestResponse", value_parser = ["RequestResponse", "Event", "DryRun"])]
    kind: String,
    /// The server's URL.
    #[arg(long, default_value = "http://127.0.0.1:9000", value_name = "URL")]
    endpoint: String,
}

/// Exit code 1: the function failed. Exit code 2: it was not invoked.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let event = read_event(&arguments.event)?;
    let Arguments { name, kind, endpoint, .. } = arguments;
    let plan = Plan { name, event: &event, kind, endpoint };
    let failed = invoke::invoke(&plan, &mut io::stdout().lock())?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
