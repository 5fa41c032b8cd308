//! `pilotlight measure`: the times of a bootstrap and its peers, in one run.
//!
//! Machines are noisy, and the results of two runs are not comparable: so every round starts each
//! candidate once, in a new order, and the report states ratios to the control. Every answer is
//! checked.

mod cache;
mod counts;
mod figures;
mod html;
mod trace;

use std::fs;
use std::hash::DefaultHasher;
use std::hash::Hash as _;
use std::hash::Hasher as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::environment::ExecutionEnvironment;
use crate::environment::INIT_LIMIT;
use crate::environment::Output;
use crate::function::Function;
use crate::process;
use crate::report::milliseconds;
use crate::run;
use crate::runtime_api::Ended;
use crate::runtime_api::Outcome;
use crate::statistics::quantile;

pub use self::cache::evict;
pub use self::counts::counts;
pub use self::counts::counts_json;
pub use self::counts::counts_table;
pub use self::figures::json;
pub use self::figures::table;
pub use self::figures::warnings;
pub use self::html::html;
pub use self::trace::Calls;

/// The number of first invocations that are not counted as steady: caches and heaps still fill.
const WARM_UP: usize = 5;

/// A program to measure.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The name in the report.
    pub name: String,
    /// The function; a peer's `bootstrap` is a program that needs no library.
    pub function: Function,
    /// The response that every invocation must give, if it is known.
    pub expected: Option<Vec<u8>>,
}

/// The settings of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The number of starts of each candidate.
    pub rounds: usize,
    /// The number of invocations after each start.
    pub invocations: usize,
    /// Whether the files that a candidate opens are evicted from the page cache before each start.
    pub cold_cache: bool,
}

/// The measured values of one candidate; one for each start.
#[derive(Debug, Default)]
pub struct Series {
    /// From the process's start to its first `/next`, in µs.
    pub init: Vec<f64>,
    /// From the sending of the first event to its answer, in µs.
    pub first: Vec<f64>,
    /// From the process's start to the first answer, in µs: `init` and `first` together.
    pub cold: Vec<f64>,
    /// From the sending of an event to its answer, once warm: each start's median, in µs.
    pub steady: Vec<f64>,
    /// Peak memory after the last invocation, in KiB.
    pub memory: Vec<f64>,
    /// Minor page faults, which need no storage.
    pub faults: Vec<f64>,
    /// Major page faults, which read from storage.
    pub major_faults: Vec<f64>,
    /// Data read from storage, in KiB.
    pub read: Vec<f64>,
    /// System calls, if they could be counted.
    pub calls: Option<Calls>,
    /// The number of files that were evicted before each start.
    pub evicted: usize,
}

/// Measures every candidate; the first one is the control. `folder` is for temporary files;
/// `progress` is called with the number of finished starts.
pub fn measure(
    candidates: &[Candidate],
    event: &[u8],
    plan: Plan,
    folder: &Path,
    progress: &mut dyn FnMut(usize),
) -> Result<Vec<Series>> {
    if plan.rounds == 0 || plan.invocations == 0 {
        bail!("nothing to measure: --rounds and --invocations are at least 1");
    }
    if let Some(emulated) = candidates.iter().find(|one| one.function.emulator.is_some()) {
        bail!("{}: times under emulation say nothing; count its work instead", emulated.name);
    }
    let mut series = Vec::new();
    let mut files = Vec::new();
    for candidate in candidates {
        let traced = trace::trace(candidate, event, &folder.join("trace"));
        let traced = traced.with_context(|| candidate.name.clone())?;
        if plan.cold_cache && traced.is_none() {
            bail!("--cold-cache needs strace to find the files that a program opens; install it");
        }
        let (calls, opened) = traced.unzip();
        let opened: Vec<_> = opened.unwrap_or_default();
        let evicted = if plan.cold_cache { opened.len() } else { 0 };
        series.push(Series { calls, evicted, ..Series::default() });
        files.push(opened);
    }
    let mut done = 0;
    for round in 0..plan.rounds {
        for index in order(candidates.len(), round) {
            let candidate = &candidates[index];
            if plan.cold_cache {
                evict(&files[index]);
            }
            one_start(candidate, event, plan.invocations, &mut series[index])
                .with_context(|| candidate.name.clone())?;
            done += 1;
            progress(done);
        }
    }
    Ok(series)
}

/// The order of the candidates in a round: pseudo-random, and the same in every run. A program's
/// start depends on the CPU caches that the previous program left: the same program was measured to
/// start in 126 µs and in 179 µs, in two positions of one order.
fn order(count: usize, round: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_cached_key(|index| {
        let mut hasher = DefaultHasher::new();
        (round, index).hash(&mut hasher);
        hasher.finish()
    });
    order
}

fn one_start(
    candidate: &Candidate,
    event: &[u8],
    invocations: usize,
    series: &mut Series,
) -> Result<()> {
    let (environment, init, ended) = start(candidate, event, invocations)?;
    let first = ended.first().context("at least one invocation")?;
    series.init.push(microseconds(init));
    series.first.push(microseconds(first.duration));
    series.cold.push(microseconds(init + first.duration));
    let steady: Vec<f64> =
        ended.iter().skip(WARM_UP).map(|ended| microseconds(ended.duration)).collect();
    series.steady.extend(quantile(&steady, 0.5));
    series.memory.push(float(environment.peak_memory_kib()));
    if let Some((minor, major)) = environment.page_faults() {
        series.faults.push(float(minor));
        series.major_faults.push(float(major));
    }
    if let Some(bytes) = bytes_read(&environment) {
        series.read.push(float(bytes) / 1024.0);
    }
    Ok(())
}

/// Starts a candidate, and lets it handle the events; returns the duration of its init, too.
fn start(
    candidate: &Candidate,
    event: &[u8],
    invocations: usize,
) -> Result<(ExecutionEnvironment, Duration, Vec<Ended>)> {
    let function = &candidate.function;
    let environment = ExecutionEnvironment::start_with(function, Output::Hidden, |session| {
        // All events are queued before the process starts, so that no other thread delays them.
        for number in 0..invocations {
            let id = format!("00000000-0000-4000-8000-{number:012}");
            session.enqueue(run::invocation(function, &id, event));
        }
    })?;
    let limit = INIT_LIMIT + function.timeout;
    let ended = environment.shared().wait_for(limit, |session| {
        let done = session.count_ended() >= invocations || session.exit_status().is_some();
        done.then(|| (session.init(), session.take_all_ended()))
    });
    let (Some(init), ended) = ended.context("no answer in time")? else {
        bail!("ended before its first /next; `pilotlight run` shows its output");
    };
    if ended.len() < invocations {
        bail!("ended after {} of {invocations} invocations", ended.len());
    }
    check(&ended, candidate.expected.as_deref())?;
    Ok((environment, init, ended))
}

fn check(ended: &[Ended], expected: Option<&[u8]>) -> Result<()> {
    for ended in ended {
        let Outcome::Response(response) = &ended.outcome else {
            bail!("answered with an error: {}", crate::report::describe(&ended.outcome));
        };
        if expected.is_some_and(|expected| expected != response) {
            bail!("answered {}", String::from_utf8_lossy(response));
        }
    }
    Ok(())
}

/// Bytes that were read from storage for the process, by `read` or through mapped pages.
fn bytes_read(environment: &ExecutionEnvironment) -> Option<u64> {
    let io = fs::read_to_string(process::proc_file(environment.pid(), "io")).ok()?;
    io.lines().find_map(|line| line.strip_prefix("read_bytes: ")?.parse().ok())
}

fn microseconds(duration: Duration) -> f64 {
    milliseconds(duration) * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_candidate_comes_everywhere_and_after_each_other() {
        let mut positions = [[0; 3]; 3];
        let mut after = [[0; 3]; 3];
        for round in 0..300 {
            let order = order(3, round);
            order.iter().enumerate().for_each(|(position, &index)| positions[index][position] += 1);
            order.windows(2).for_each(|pair| after[pair[0]][pair[1]] += 1);
        }
        // Each position about a third of the rounds, and each pair about a sixth of the 600.
        assert!(positions.iter().flatten().all(|count| (70..130).contains(count)), "{positions:?}");
        let pairs = after.iter().flatten().filter(|&&count| count > 0);
        assert!(pairs.clone().count() == 6 && pairs.clone().all(|&count| count > 60), "{after:?}");
    }
}
