//! The report of a measurement, as a table and as JSON.

use std::fmt::Write as _;

use serde_json::Value;
use serde_json::json;

use super::Candidate;
use super::Series;
use crate::limits::CpuShare;
use crate::statistics::quantile;

/// A measured figure.
pub struct Figure {
    /// The name in the table, with its unit.
    pub title: &'static str,
    /// The name in JSON.
    key: &'static str,
    /// Returns its values.
    pub of: fn(&Series) -> &[f64],
}

/// All figures, in the order of the table.
pub const FIGURES: [Figure; 8] = [
    Figure { title: "init µs", key: "init_us", of: |series| &series.init },
    Figure { title: "first invocation µs", key: "first_us", of: |series| &series.first },
    Figure { title: "cold response µs", key: "cold_us", of: |series| &series.cold },
    Figure { title: "steady invocation µs", key: "steady_us", of: |series| &series.steady },
    Figure { title: "peak memory KiB", key: "peak_kib", of: |series| &series.memory },
    Figure { title: "page faults", key: "page_faults", of: |series| &series.faults },
    Figure { title: "faults to storage", key: "major_faults", of: |series| &series.major_faults },
    Figure { title: "read from storage KiB", key: "read_kib", of: |series| &series.read },
];

/// Limit for the ratio of p90 to minimum of the control's init; above it, the machine was busy.
const MAX_SPREAD: f64 = 2.5;
/// Lower limit for the starts that make a p99 meaningful.
const MIN_ROUNDS: usize = 20;

/// The quantiles of a figure, in the order of the table.
struct Summary {
    min: f64,
    median: f64,
    p90: f64,
    p99: f64,
}

impl Summary {
    fn of(values: &[f64]) -> Summary {
        let at = |wanted| quantile(values, wanted).unwrap_or(f64::NAN);
        Summary { min: at(0.0), median: at(0.5), p90: at(0.9), p99: at(0.99) }
    }

    /// The ratio of the median to the control's; `None` if that is zero.
    fn ratio(&self, control: &Summary) -> Option<f64> {
        (control.median > 0.0).then(|| self.median / control.median)
    }
}

/// The table: minimum, median, 90th and 99th percentile of each figure, and the ratio of the median
/// to the control's.
pub fn table(candidates: &[Candidate], series: &[Series]) -> String {
    let mut text = String::new();
    for Figure { title, of, .. } in &FIGURES {
        let heads = ["min", "median", "p90", "p99", "ratio"];
        let [min, median, p90, p99, ratio] = heads;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{title:<22} {min:>9} {median:>9} {p90:>9} {p99:>9} {ratio:>7}");
        let control = Summary::of(series.first().map_or(&[], of));
        for (candidate, series) in candidates.iter().zip(series) {
            let summary = Summary::of(of(series));
            let ratio = summary.ratio(&control).map_or("–".into(), |ratio| format!("{ratio:.2}"));
            let Summary { min, median, p90, p99 } = summary;
            let name = &candidate.name;
            let _ = writeln!(
                text,
                "  {name:<20} {min:>9.1} {median:>9.1} {p90:>9.1} {p99:>9.1} {ratio:>7}"
            );
        }
    }
    let _ = writeln!(text, "{:<22} {:>9} {:>14}", "system calls", "init", "per invocation");
    for (candidate, series) in candidates.iter().zip(series) {
        let _ = match series.calls {
            Some(calls) => {
                let (name, init) = (&candidate.name, calls.init);
                writeln!(text, "  {name:<20} {init:>9} {:>14}", calls.invocation)
            }
            None => writeln!(text, "  {:<20} not counted: strace is missing", candidate.name),
        };
    }
    text
}

/// Reasons to distrust the figures.
pub fn warnings(series: &[Series]) -> Vec<String> {
    let mut warnings = Vec::new();
    let Some(control) = series.first() else { return warnings };
    let init = Summary::of(&control.init);
    let spread = init.p90 / init.min;
    if spread > MAX_SPREAD {
        warnings.push(format!(
            "the machine was noisy: one in ten starts of the control took {spread:.1} times its \
             minimum or more. Close other programs, and increase --rounds; trust the ratios more than \
             the times, and the minimum more than the p99"
        ));
    }
    if control.init.len() < MIN_ROUNDS {
        warnings.push(format!("{} rounds are few: try --rounds 100", control.init.len()));
    }
    warnings
}

/// The report as JSON, with every value.
pub fn json(candidates: &[Candidate], series: &[Series]) -> Value {
    let control = series.first();
    let one = |(candidate, series): (&Candidate, &Series)| {
        let mut figures = serde_json::Map::new();
        for Figure { key, of, .. } in &FIGURES {
            let summary = Summary::of(of(series));
            let ratio = control.and_then(|control| summary.ratio(&Summary::of(of(control))));
            let Summary { min, median, p90, p99 } = summary;
            let values = of(series);
            let figure = json!({
                "min": min, "median": median, "p90": p90, "p99": p99, "ratio": ratio,
                "values": values,
            });
            figures.insert((*key).to_owned(), figure);
        }
        json!({
            "name": candidate.name,
            "figures": figures,
            "system_calls": series.calls.map(|calls| json!({
                "init": calls.init, "invocation": calls.invocation,
            })),
            "evicted_files": series.evicted,
        })
    };
    let share = candidates.first().filter(|one| one.function.limits.cpu);
    json!({
        "cpu_share": share.map(|one| CpuShare::of_memory(one.function.memory_mb).processors()),
        "candidates": candidates.iter().zip(series).map(one).collect::<Vec<_>>(),
        "warnings": warnings(series),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noisy_control_is_warned_of() {
        let calm = Series { init: vec![100.0; 50], ..Series::default() };
        assert!(warnings(&[calm]).is_empty());
        let noisy: Vec<f64> =
            (0..50).map(|round| if round % 5 == 0 { 300.0 } else { 100.0 }).collect();
        let noisy = Series { init: noisy, ..Series::default() };
        assert!(warnings(&[noisy])[0].starts_with("the machine was noisy: one in ten"));
    }
}
