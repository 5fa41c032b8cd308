//! The subcommands: they parse arguments and call the library.

pub mod build;
pub mod check;
pub mod completions;
pub mod invoke;
pub mod measure;
pub mod new;
pub mod run;
pub mod serve;

use std::fs;
use std::io;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use clap::Args;
use pilotlight_local::cpu::Cpu;
use pilotlight_local::function::Function;
use pilotlight_local::functions;
use pilotlight_local::layer;
use pilotlight_local::limits;
use pilotlight_local::log;
use pilotlight_local::one_file;

/// A function's configuration.
#[derive(Args)]
pub struct Configuration {
    /// A variable for the function's environment; may be repeated.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = pair)]
    variables: Vec<(String, String)>,
    /// The function's memory in MB. `run` and `serve` end a function that needs more.
    #[arg(long, default_value_t = 128, value_name = "MB",
        value_parser = clap::value_parser!(u64).range(128..=10_240))]
    memory: u64,
    /// The processor that the function gets: `lambda` is two during init, and its memory's share of
    /// one afterwards, 128 MB a fourteenth. By default it gets all that is free.
    #[arg(long, value_name = "CPU", value_parser = ["lambda"])]
    cpu: Option<String>,
    /// Seconds after which an invocation times out.
    #[arg(long, default_value_t = 3.0, value_name = "SECONDS", value_parser = timeout)]
    timeout: f64,
    /// The layer's folder; by default that in dist/ beside this command, or the layer that the
    /// command carries.
    #[arg(long, value_name = "FOLDER")]
    layer: Option<PathBuf>,
    /// The function's architecture, x86_64 or arm64: by default its library's. Programs for another
    /// one than this machine's run under QEMU's emulation.
    #[arg(long, value_name = "ARCHITECTURE", value_parser = Cpu::named)]
    arch: Option<&'static Cpu>,
}

impl Configuration {
    fn function(&self, library: &Path, handler: Option<&str>) -> Result<Function> {
        let cpu = self.cpu(library)?;
        let mut function = match (&self.layer, one_file::is_function(library)) {
            (Some(_), true) => {
                bail!("{}: carries its own layer; leave out --layer", library.display())
            }
            (None, true) => Function::of_one_file(library, handler)?,
            (Some(layer), false) => {
                Function::of_library(library, handler, &layer.join("bootstrap"))?
            }
            (None, false) => Function::of_library(library, handler, &layer::bootstrap(cpu)?)?,
        };
        function.memory_mb = self.memory;
        function.limits.cpu = self.cpu.is_some();
        function.timeout = Duration::from_secs_f64(self.timeout);
        function.variables.clone_from(&self.variables);
        Ok(function)
    }

    /// The CPU that a library runs on.
    fn cpu(&self, library: &Path) -> Result<&'static Cpu> {
        let built = Cpu::of(library);
        if let (Some(asked), Some(built)) = (self.arch, built)
            && asked.number != built.number
        {
            let (library, asked, built) = (library.display(), asked.name, built.name);
            bail!(
                "{library}: built for {built}, not for {asked} as --arch says; build it for {asked}, \
                 or leave out --arch"
            );
        }
        // The bootstrap says why it refuses a file that is for neither.
        Ok(self.arch.or(built).unwrap_or_else(Cpu::native))
    }
}

/// Holds a function to its memory. An emulator's own memory is not the function's.
fn limit_memory(function: &mut Function) {
    function.limits.memory = function.emulator.is_none();
}

/// Says which share of a processor a function gets, and that its figures are not its own, if they
/// are not.
fn say_conditions(function: &Function) {
    if let Some(share) = limits::describe(function.limits, function.memory_mb) {
        log::say(format_args!("{}: {share}", function.name));
    }
    if let Some(emulator) = &function.emulator {
        let (name, emulator) = (&function.name, emulator.display());
        log::say(format_args!(
            "{name} runs under {emulator}: times and memory are the emulator's, not Lambda's"
        ));
    }
}

/// A function and its event.
#[derive(Args)]
pub struct Target {
    /// The handler library, a function in one file, or its name as `pilotlight build` gave it; by
    /// default the only one that was built.
    #[arg(value_name = "FUNCTION")]
    library: Option<PathBuf>,
    /// The handler's name, if the library has several.
    #[arg(long)]
    handler: Option<String>,
    /// The event: JSON or anything else, @FILE for a file's bytes, or - for standard input.
    #[arg(long, default_value = "{}")]
    event: String,
    #[command(flatten)]
    configuration: Configuration,
}

impl Target {
    fn function(&self) -> Result<Function> {
        let library = match &self.library {
            Some(library) => functions::named(library),
            None => functions::only()?,
        };
        self.configuration.function(&library, self.handler.as_deref())
    }
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

fn timeout(text: &str) -> Result<f64> {
    match text.parse() {
        Ok(seconds) if seconds > 0.0 && seconds <= 900.0 => Ok(seconds),
        _ => bail!("expected a number of seconds, at most Lambda's 900"),
    }
}

fn above_zero(text: &str) -> Result<f64> {
    match text.parse() {
        Ok(number) if number > 0.0 && number <= 1e9 => Ok(number),
        _ => bail!("expected a number above zero"),
    }
}
