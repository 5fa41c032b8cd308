//! `pilotlight new`.

use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use anyhow::Result;
use clap::Args;
use pilotlight_local::new;
use pilotlight_local::new::Language;
use pilotlight_local::new::Tool;

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// The name of the function and of its folder.
    name: String,
    /// Write a handler that answers HTTP, for a function URL or an HTTP API.
    #[arg(long, conflicts_with = "c")]
    http: bool,
    /// Write the handler in C, with the SDK's header.
    #[arg(long)]
    c: bool,
    /// Depend on the crate `pilotlight` in this folder (`sdk` in a checkout), not on the published
    /// one.
    #[arg(long, value_name = "PATH", conflicts_with = "c")]
    sdk: Option<PathBuf>,
    /// Add a template for a tool that deploys the function: sam, cdk, terraform or serverless.
    #[arg(long, value_name = "TOOL", value_parser = tool)]
    deploy: Option<Tool>,
}

fn tool(name: &str) -> Result<Tool> {
    let known = new::TOOLS.into_iter().find(|tool| tool.name == name);
    known.with_context(|| format!("expected {}", new::TOOLS.map(|tool| tool.name).join(", ")))
}

/// Creates the function, and says how to go on.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Arguments { name, http, c, sdk, deploy } = arguments;
    let language = match c {
        true => Language::C,
        false => Language::Rust { sdk: sdk.clone(), http: *http },
    };
    let dependency = new::create(Path::new("."), name, &language, *deploy)?;
    println!("{name}: a function in {}", if *c { "C" } else { "Rust" });
    if *c {
        println!("  its README.md has the compiler's command");
    } else {
        println!("  it depends on pilotlight = {dependency}");
    }
    if let Some(tool) = deploy {
        println!("  {} says how to deploy it with {}, for arm64", tool.template(), tool.name);
    }
    println!("  go on: cd {name}; cat README.md");
    Ok(ExitCode::SUCCESS)
}
