//! `pilotlight build`.

use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use clap::ValueEnum;
use pilotlight_local::build;
use pilotlight_local::build::Built;
use pilotlight_local::build::Form;
use pilotlight_local::build::Module;
use pilotlight_local::cpu::Cpu;
use pilotlight_local::functions::BUILT;

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// Handler libraries that are built already, in C, C++ or another language.
    #[arg(required = true)]
    libraries: Vec<PathBuf>,
    /// The function's architecture, x86_64 or arm64: by default its library's.
    #[arg(long, value_name = "ARCHITECTURE", value_parser = Cpu::named)]
    arch: Option<&'static Cpu>,
    /// Write a zip as well, to be uploaded as it is.
    #[arg(long)]
    zip: bool,
    /// Write the handler's library alone, for a function with the layer.
    #[arg(long)]
    layer: bool,
    /// Leave out what the function does not need: services (configuration and fan-outs of pings),
    /// libc (the rarer functions of the C library).
    #[arg(long, value_enum, value_delimiter = ',', conflicts_with = "layer")]
    without: Vec<Part>,
    /// Describe what was written as JSON.
    #[arg(long)]
    json: bool,
}

/// A part that `--without` leaves out.
#[derive(Clone, Copy, ValueEnum)]
enum Part {
    Services,
    Libc,
}

impl Arguments {
    fn form(&self) -> Form {
        let module = |part: &Part| match part {
            Part::Services => Module::Services,
            Part::Libc => Module::Libc,
        };
        let without = self.without.iter().map(module).collect();
        Form { for_layer: self.layer, zip: self.zip, without }
    }
}

/// Writes each function. If one is refused, none is written.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let judge = |path: &PathBuf| build::judge(path, build::name(path)?, arguments.arch);
    let libraries: Vec<_> = arguments.libraries.iter().map(judge).collect::<Result<_>>()?;
    let target = Path::new(BUILT);
    let form = arguments.form();
    let write = |library| build::write(library, target, &form);
    let built: Vec<Built> = libraries.iter().map(write).collect::<Result<_>>()?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&built)?);
    } else {
        built.iter().for_each(|built| print!("{built}"));
    }
    Ok(ExitCode::SUCCESS)
}
