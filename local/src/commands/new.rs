//! `pilotlight new`.

use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use pilotlight_local::new;
use pilotlight_local::new::Language;

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// The name of the function and of its folder.
    name: String,
    /// Write the handler in C, with the SDK's header.
    #[arg(long)]
    c: bool,
    /// Depend on the crate `pilotlight` in this folder (`sdk` in a checkout), not on the published
    /// one.
    #[arg(long, value_name = "PATH", conflicts_with = "c")]
    sdk: Option<PathBuf>,
}

/// Creates the function, and says how to go on.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Arguments { name, c, sdk } = arguments;
    let language = match sdk {
        _ if *c => Language::C,
        Some(path) => Language::RustWith(path.clone()),
        None => Language::Rust,
    };
    let dependency = new::create(Path::new("."), name, &language)?;
    println!("{name}: a function in {}", if *c { "C" } else { "Rust" });
    if *c {
        println!("  its README.md has the compiler's command");
    } else {
        println!("  it depends on pilotlight = {dependency}");
    }
    println!("  go on: cd {name}; cat README.md");
    Ok(ExitCode::SUCCESS)
}
