//! `pilotlight completions`.

use std::io;
use std::process::ExitCode;

use clap::Args;
use clap::Command;
use clap_complete::Shell;

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// The shell.
    #[arg(value_parser = ["bash", "zsh", "fish"])]
    shell: String,
}

/// Prints the script that completes this command's arguments.
pub fn run(arguments: &Arguments, mut command: Command) -> ExitCode {
    let shell = match arguments.shell.as_str() {
        "bash" => Shell::Bash,
        "zsh" => Shell::Zsh,
        _ => Shell::Fish,
    };
    clap_complete::generate(shell, &mut command, "pilotlight", &mut io::stdout());
    ExitCode::SUCCESS
}
