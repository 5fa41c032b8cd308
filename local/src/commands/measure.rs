//! `pilotlight measure`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use pilotlight_local::interrupt::Interrupts;
use pilotlight_local::measure;
use pilotlight_local::measure::Candidate;
use pilotlight_local::measure::Plan;
use pilotlight_local::process::Workplace;

use super::Target;
use super::pair;
use super::read_event;

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    target: Target,
    /// How often each program is started.
    #[arg(long, default_value_t = 100)]
    rounds: usize,
    /// How many invocations each start serves.
    #[arg(long, default_value_t = 50)]
    invocations: usize,
    /// What all are compared with, as NAME=PROGRAM; by default the handler itself.
    #[arg(long, value_name = "NAME=PROGRAM", value_parser = pair)]
    control: Option<(String, String)>,
    /// A program to be measured beside the handler, as NAME=PROGRAM; may be repeated.
    #[arg(long = "peer", value_name = "NAME=PROGRAM", value_parser = pair)]
    peers: Vec<(String, String)>,
    /// What every invocation must answer.
    #[arg(long, value_name = "TEXT")]
    expect: Option<String>,
}

/// Measures, and prints the table.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let function = arguments.target.function()?;
    let event = read_event(&arguments.target.event)?;
    let peer = |(name, program): &(String, String)| -> Result<Candidate> {
        Ok(Candidate { name: name.clone(), function: function.with_program(program.as_ref())? })
    };
    let mut candidates = Vec::new();
    candidates.extend(arguments.control.as_ref().map(peer).transpose()?);
    candidates.push(Candidate { name: function.name.clone(), function: function.clone() });
    for program in &arguments.peers {
        candidates.push(peer(program)?);
    }
    let _interrupts = Interrupts::catch()?;
    let workplace = Workplace::open()?;
    let plan = Plan { rounds: arguments.rounds, invocations: arguments.invocations };
    let expected = arguments.expect.as_ref().map(String::as_bytes);
    let series = measure::measure(&candidates, &event, expected, plan)?;
    print!("{}", measure::table(&candidates, &series));
    drop(workplace);
    Ok(ExitCode::SUCCESS)
}
