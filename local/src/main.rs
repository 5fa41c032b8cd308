//! The `pilotlight` command.

// As in the library.
#![deny(clippy::print_stderr)]

mod commands;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::CommandFactory as _;
use clap::Parser;
use clap::Subcommand;
use mimalloc::MiMalloc;
use pilotlight_local::layer;
use pilotlight_local::log;
use pilotlight_local::process;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Makes functions for AWS Lambda on the Pilotlight runtime, and runs them locally.
#[derive(Parser)]
#[command(name = "pilotlight", version, long_version = layer::VERSION)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Creates a function in a new folder, which builds and runs at once.
    New(commands::new::Arguments),
    /// Writes functions as `target/lambda/<name>/bootstrap`: one file that is the whole package.
    Build(commands::build::Arguments),
    /// Invokes a handler, cold then warm: responses on standard output, the log on standard error.
    Run(commands::run::Arguments),
    /// Serves handlers as Lambda does, in many execution environments, with a live status page.
    Serve(commands::serve::Arguments),
    /// Invokes a function that `pilotlight serve` serves.
    Invoke(commands::invoke::Arguments),
    /// Measures a handler's cold start and invocations against other programs, in one run.
    Measure(commands::measure::Arguments),
    /// Says whether the bootstrap would load libraries and what to do, without running them.
    Check(commands::check::Arguments),
    /// Prints a script that completes this command's arguments in bash, zsh or fish.
    Completions(commands::completions::Arguments),
    /// Ends the processes that a killed command left running. Each command starts it itself.
    #[command(name = process::GUARD, hide = true)]
    Guard { folder: PathBuf, mark: String, maker: u32 },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::New(arguments) => commands::new::run(&arguments),
        Command::Build(arguments) => commands::build::run(&arguments),
        Command::Run(arguments) => commands::run::run(&arguments),
        Command::Serve(arguments) => commands::serve::run(&arguments),
        Command::Invoke(arguments) => commands::invoke::run(&arguments),
        Command::Measure(arguments) => commands::measure::run(&arguments),
        Command::Check(arguments) => commands::check::run(&arguments),
        Command::Completions(arguments) => {
            Ok(commands::completions::run(&arguments, Arguments::command()))
        }
        Command::Guard { folder, mark, maker } => {
            process::guard(&folder, &mark, maker).map(|()| ExitCode::SUCCESS)
        }
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            log::say(format_args!("{error:#}"));
            ExitCode::from(2)
        }
    }
}
