//! `pilotlight measure`: how long a bootstrap and its peers take, in one run, each in turn.
//!
//! Machines are noisy, and two runs are two machines: every round starts each candidate once, and
//! what is stated is the ratio to the first one, the control. Every answer is checked.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::environment::ExecutionEnvironment;
use crate::environment::INIT_LIMIT;
use crate::environment::Output;
use crate::function::Function;
use crate::report::milliseconds;
use crate::run;
use crate::runtime_api::Ended;
use crate::runtime_api::Outcome;

/// Invocations after the first that are not counted as steady: caches and heaps still fill.
const WARM_UP: usize = 5;

/// Something to be measured.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// As it is shown.
    pub name: String,
    /// What is started; a peer's `bootstrap` is a program that needs no library.
    pub function: Function,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How often each candidate is started.
    pub rounds: usize,
    /// How many invocations each start serves.
    pub invocations: usize,
}

/// What one candidate took.
#[derive(Debug, Default)]
pub struct Series {
    /// From the process's start to its first `/next`.
    pub init: Vec<f64>,
    /// From the process's start to the first answer.
    pub cold: Vec<f64>,
    /// From an event's sending to its answer, once warm.
    pub steady: Vec<f64>,
    /// Peak memory after the last invocation, in KiB.
    pub memory: Vec<f64>,
    /// Page faults that needed no storage.
    pub faults: Vec<f64>,
}

/// Measures every candidate; the first one is the control.
pub fn measure(
    candidates: &[Candidate],
    event: &[u8],
    expected: Option<&[u8]>,
    plan: Plan,
) -> Result<Vec<Series>> {
    let mut series: Vec<Series> = candidates.iter().map(|_| Series::default()).collect();
    for _ in 0..plan.rounds {
        for (candidate, series) in candidates.iter().zip(&mut series) {
            one_start(candidate, event, expected, plan.invocations, series)
                .with_context(|| candidate.name.clone())?;
        }
    }
    Ok(series)
}

fn one_start(
    candidate: &Candidate,
    event: &[u8],
    expected: Option<&[u8]>,
    invocations: usize,
    series: &mut Series,
) -> Result<()> {
    let function = &candidate.function;
    let environment = ExecutionEnvironment::start_with(function, Output::Hidden, |session| {
        // All events wait before the process starts, so that no other thread comes in between.
        for number in 0..invocations {
            let id = format!("00000000-0000-4000-8000-{number:012}");
            session.queue.push_back(run::invocation(function, &id, event));
        }
    })?;
    let limit = INIT_LIMIT + function.timeout;
    let ended = environment.shared().wait_for(limit, |session| {
        let done = session.ended.len() >= invocations || session.exited.is_some();
        done.then(|| (session.init, std::mem::take(&mut session.ended)))
    });
    let (Some(init), ended) = ended.context("no answer in time")? else {
        bail!("ended before it asked for an invocation");
    };
    if ended.len() < invocations {
        bail!("ended after {} of {invocations} invocations", ended.len());
    }
    check(&ended, expected)?;
    let first = ended.first().context("at least one invocation")?;
    series.init.push(microseconds(init));
    series.cold.push(microseconds(init + first.duration));
    let steady: Vec<f64> =
        ended.iter().skip(WARM_UP).map(|ended| microseconds(ended.duration)).collect();
    series.steady.extend(quantile(&steady, 0.5));
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    series.memory.push(environment.peak_memory_kib() as f64);
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    if let Some((minor, _)) = environment.page_faults() {
        series.faults.push(minor as f64);
    }
    Ok(())
}

fn check(ended: &[Ended], expected: Option<&[u8]>) -> Result<()> {
    for ended in ended {
        let Outcome::Response(response) = &ended.outcome else {
            bail!("answered with an error: {:?}", ended.outcome);
        };
        if expected.is_some_and(|expected| expected != response) {
            bail!("answered {}", String::from_utf8_lossy(response));
        }
    }
    Ok(())
}

/// A figure's name, and where its values are.
type Figure = (&'static str, fn(&Series) -> &[f64]);

/// The table: median (and 10th to 90th percentile) of each figure, and its ratio to the control's.
pub fn table(candidates: &[Candidate], series: &[Series]) -> String {
    let figures: [Figure; 5] = [
        ("init µs", |series| &series.init),
        ("cold response µs", |series| &series.cold),
        ("steady µs", |series| &series.steady),
        ("peak KiB", |series| &series.memory),
        ("page faults", |series| &series.faults),
    ];
    let mut text = String::new();
    for (figure, of) in figures {
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "{figure:<18} {:>9} {:>9} {:>9} {:>7}", "p10", "median", "p90", "ratio");
        let control = series.first().and_then(|series| quantile(of(series), 0.5));
        for (candidate, series) in candidates.iter().zip(series) {
            let at = |quantile_wanted| quantile(of(series), quantile_wanted).unwrap_or(f64::NAN);
            let (low, median, high) = (at(0.1), at(0.5), at(0.9));
            let ratio = median / control.unwrap_or(f64::NAN);
            let name = &candidate.name;
            let _ =
                writeln!(text, "  {name:<16} {low:>9.1} {median:>9.1} {high:>9.1} {ratio:>7.2}");
        }
    }
    text
}

/// A quantile by the nearest rank; None of nothing.
pub fn quantile(values: &[f64], quantile: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to len - 1")]
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let rank = (quantile * (sorted.len().saturating_sub(1)) as f64).round() as usize;
    sorted.get(rank).copied()
}

fn microseconds(duration: Duration) -> f64 {
    milliseconds(duration) * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_sorted_values() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(quantile(&values, 0.0), Some(1.0));
        assert_eq!(quantile(&values, 0.5), Some(3.0));
        assert_eq!(quantile(&values, 1.0), Some(5.0));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
