//! The `pilotlight` command.

use std::fs;
use std::io;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use clap::Args;
use clap::Parser;
use clap::Subcommand;
use pilotlight_local::function::Function;
use pilotlight_local::function::default_bootstrap;
use pilotlight_local::measure;
use pilotlight_local::measure::Candidate;
use pilotlight_local::measure::Plan;
use pilotlight_local::run;

/// A local Lambda for handlers of the Pilotlight runtime.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Invokes a handler, cold then warm: responses on standard output, the log on standard error.
    Run(Run),
    /// Measures a handler's cold start and invocations beside other programs, in one run.
    Measure(Measure),
}

#[derive(Args)]
struct Run {
    #[command(flatten)]
    target: Target,
    /// How many invocations.
    #[arg(long, default_value_t = 1)]
    count: usize,
}

#[derive(Args)]
struct Measure {
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

/// A function, and what it is invoked with.
#[derive(Args)]
struct Target {
    /// The handler library.
    library: PathBuf,
    /// The handler's name, if the library has several.
    #[arg(long)]
    handler: Option<String>,
    /// The event: JSON or anything else, @FILE for a file's bytes, or - for standard input.
    #[arg(long, default_value = "{}")]
    event: String,
    /// A variable for the function's environment; may be repeated.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = pair)]
    variables: Vec<(String, String)>,
    /// The function's memory in MB, as it is told.
    #[arg(long, default_value_t = 128, value_name = "MB")]
    memory: u64,
    /// Seconds after which an invocation is ended.
    #[arg(long, default_value_t = 3.0, value_name = "SECONDS", value_parser = seconds)]
    timeout: f64,
    /// The layer's folder; by default the one that was built with this command.
    #[arg(long, value_name = "FOLDER")]
    layer: Option<PathBuf>,
}

impl Target {
    fn function(&self) -> Result<Function> {
        let bootstrap = match &self.layer {
            Some(layer) => layer.join("bootstrap"),
            None => default_bootstrap()?,
        };
        let mut function =
            Function::of_library(&self.library, self.handler.as_deref(), &bootstrap)?;
        function.memory_mb = self.memory;
        function.timeout = Duration::from_secs_f64(self.timeout);
        function.variables.clone_from(&self.variables);
        Ok(function)
    }
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run(arguments) => run(&arguments),
        Command::Measure(arguments) => measure(&arguments),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("pilotlight: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Exit code 1 says that an invocation ended with an error, 2 that none could be made.
fn run(arguments: &Run) -> Result<ExitCode> {
    let function = arguments.target.function()?;
    let event = read_event(&arguments.target.event)?;
    let errors = run::run(&function, &event, arguments.count, &mut io::stdout().lock())?;
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(arguments: &Measure) -> Result<ExitCode> {
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
    let plan = Plan { rounds: arguments.rounds, invocations: arguments.invocations };
    let expected = arguments.expect.as_ref().map(String::as_bytes);
    let series = measure::measure(&candidates, &event, expected, plan)?;
    print!("{}", measure::table(&candidates, &series));
    Ok(ExitCode::SUCCESS)
}

fn read_event(text: &str) -> Result<Vec<u8>> {
    if text == "-" {
        let mut event = Vec::new();
        io::stdin().read_to_end(&mut event).context("cannot read the event")?;
        return Ok(event);
    }
    match text.strip_prefix('@') {
        Some(path) => fs::read(path).with_context(|| format!("cannot read the event from {path}")),
        None => Ok(text.as_bytes().to_vec()),
    }
}

fn pair(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => bail!("expected NAME=VALUE"),
    }
}

fn seconds(text: &str) -> Result<f64> {
    match text.parse() {
        Ok(seconds) if seconds > 0.0 && seconds <= 900.0 => Ok(seconds),
        _ => bail!("expected a number of seconds, at most Lambda's 900"),
    }
}
