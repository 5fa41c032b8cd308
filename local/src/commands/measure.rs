//! `pilotlight measure`.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use clap::Args;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use pilotlight_local::cpu::Cpu;
use pilotlight_local::function::Function;
use pilotlight_local::interrupt::Interrupts;
use pilotlight_local::limits;
use pilotlight_local::log;
use pilotlight_local::measure;
use pilotlight_local::measure::Candidate;
use pilotlight_local::measure::Plan;
use pilotlight_local::process::Workplace;
use serde_json::Value;

use super::Target;
use super::pair;
use super::read_event;

/// Measurements up to this time have no progress bar.
const SHORT: Duration = Duration::from_secs(2);

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    target: Target,
    /// The number of starts of each program.
    #[arg(long, default_value_t = 100)]
    rounds: usize,
    /// The number of invocations after each start.
    #[arg(long, default_value_t = 50)]
    invocations: usize,
    /// Evict every file that a program opens from the page cache before each start.
    #[arg(long)]
    cold_cache: bool,
    /// The program that all are compared with, as NAME=COMMAND; by default a program of raw system
    /// calls that returns the event.
    #[arg(long, value_name = "NAME=COMMAND", value_parser = pair)]
    control: Option<(String, String)>,
    /// Another program to measure, as NAME=COMMAND; may be repeated.
    #[arg(long = "peer", value_name = "NAME=COMMAND", value_parser = pair)]
    peers: Vec<(String, String)>,
    /// The response that every invocation must give.
    #[arg(long, value_name = "TEXT")]
    expect: Option<String>,
    /// Write all figures to this file as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Count instructions and system calls under QEMU's emulation, in one start each, and take no
    /// times. Programs for another CPU than this machine's are always measured so.
    #[arg(long, conflicts_with_all = ["cold_cache", "cpu", "html"])]
    counts: bool,
    /// Write an HTML page with the distributions as charts to this file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Measures, and prints the table.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let function = arguments.target.function()?;
    let event = read_event(&arguments.target.event)?;
    let candidates = candidates(arguments, &function, &event)?;
    let _interrupts = Interrupts::catch()?;
    let workplace = Workplace::open()?;
    if arguments.is_counted(&candidates)? {
        let counts = measure::counts(&candidates, &event, workplace.folder())?;
        print!("{}", measure::counts_table(&candidates, &counts));
        arguments.write_json(&measure::counts_json(&candidates, &counts))?;
        return Ok(ExitCode::SUCCESS);
    }
    let Arguments { rounds, invocations, cold_cache, .. } = *arguments;
    let plan = Plan { rounds, invocations, cold_cache };
    let bar = bar(rounds * candidates.len());
    let mut show = |done| {
        if bar.elapsed() >= SHORT {
            bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
        }
    };
    let series = measure::measure(&candidates, &event, plan, workplace.folder(), &mut show)?;
    bar.finish_and_clear();
    print!("{}", measure::table(&candidates, &series));
    if let Some(share) = limits::describe(function.limits, function.memory_mb) {
        println!("processor: {share}; two during init");
    }
    if cold_cache {
        println!("page cache: cold; each program's files are evicted before each start");
    }
    for warning in measure::warnings(&series) {
        log::say(warning);
    }
    arguments.write_json(&measure::json(&candidates, &series))?;
    if let Some(path) = &arguments.html {
        let title = format!("{}: {rounds} starts, {invocations} invocations each", function.name);
        write(path, &measure::html(&title, &candidates, &series))?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    /// Whether the programs' work is counted, because it cannot be timed or need not be.
    fn is_counted(&self, candidates: &[Candidate]) -> Result<bool> {
        let emulated = candidates.iter().find(|candidate| candidate.function.emulator.is_some());
        if let Some(Candidate { name, .. }) = emulated
            && (self.cold_cache || self.html.is_some() || candidates[0].function.limits.cpu)
        {
            bail!(
                "{name} is for another CPU, so nothing is timed: leave out --cold-cache, --cpu and \
                 --html"
            );
        }
        Ok(self.counts || emulated.is_some())
    }

    fn write_json(&self, figures: &Value) -> Result<()> {
        self.json.as_ref().map_or(Ok(()), |path| write(path, &format!("{figures:#}\n")))
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The control, the handler and the peers, in this order.
fn candidates(arguments: &Arguments, function: &Function, event: &[u8]) -> Result<Vec<Candidate>> {
    let expected = arguments.expect.as_ref().map(|text| text.as_bytes().to_vec());
    let candidate = |name: &str, function: Function| {
        let name = name.to_owned();
        Candidate { name, function, expected: expected.clone() }
    };
    let program = |(name, command): &(String, String)| -> Result<Candidate> {
        Ok(candidate(name, function.with_command(command)?))
    };
    let mut candidates = vec![match &arguments.control {
        Some(control) => program(control)?,
        None => {
            let limit = limit(&function.bootstrap)?;
            let mut function = function.with_command(&limit.display().to_string())?;
            function.variables.push(("LIMIT_ECHO".to_owned(), "1".to_owned()));
            let expected = Some(event.to_vec());
            Candidate { expected, ..candidate("limit", function) }
        }
    }];
    candidates.push(candidate(&function.name, function.clone()));
    for peer in &arguments.peers {
        candidates.push(program(peer)?);
    }
    Ok(candidates)
}

/// The program of raw system calls for the bootstrap's CPU, which the build makes, too.
fn limit(bootstrap: &Path) -> Result<PathBuf> {
    let limit = Cpu::of(bootstrap).unwrap_or_else(Cpu::native).built("bin/limit")?;
    if !limit.is_file() {
        bail!("{}: missing; run ./build.sh, or name a --control", limit.display());
    }
    Ok(limit)
}

/// Draws a progress bar if standard error is a terminal.
fn bar(starts: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} starts, {eta} left");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(u64::try_from(starts).unwrap_or(u64::MAX)).with_style(style)
}
