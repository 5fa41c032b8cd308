//! Totals over all environments of a function, for the page and for `GET /environments`.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use super::journal::Done;
use super::span::SpanKind;
use crate::report::milliseconds;
use crate::statistics::quantile;

/// Limit for the figures that a quantile is computed from; older ones are dropped.
const MAX_FIGURES: usize = 10_000;

/// Counters of invocations or of pings.
#[derive(Debug, Default)]
struct Counts {
    count: u64,
    cold: u64,
    billed_ms: u64,
}

impl Counts {
    fn add(&mut self, done: &Done) {
        self.count += 1;
        self.cold += u64::from(done.is_cold);
        self.billed_ms += done.billed_ms();
    }

    fn json(&self) -> Value {
        json!({
            "count": self.count,
            "cold": self.cold,
            "warm": self.count - self.cold,
            "billed_ms": self.billed_ms,
        })
    }
}

/// Totals over all environments of a function.
#[derive(Debug, Default)]
pub struct Totals {
    invocations: Counts,
    pings: Counts,
    errors: u64,
    throttles: u64,
    memory_kib: u64,
    init: VecDeque<f64>,
    duration: VecDeque<f64>,
    own: VecDeque<f64>,
}

impl Totals {
    /// Counts an invocation; pings are counted separately. `whole` is the time from the client's
    /// request to the answer.
    pub fn count(&mut self, done: &Done, whole: Duration) {
        if done.span.kind == SpanKind::Ping {
            self.pings.add(done);
        } else {
            self.invocations.add(done);
            push_bounded(&mut self.duration, milliseconds(done.duration));
        }
        self.errors += u64::from(done.is_error());
        self.memory_kib = self.memory_kib.max(done.memory_kib);
        if let Some(init) = done.init {
            push_bounded(&mut self.init, milliseconds(init));
        }
        let theirs = done.duration + done.overhead + done.init.unwrap_or_default();
        push_bounded(&mut self.own, milliseconds(whole.saturating_sub(theirs)));
    }

    /// Counts an invocation that was refused.
    pub fn count_throttle(&mut self) {
        self.throttles += 1;
    }

    /// Counts the init of a provisioned environment.
    pub fn count_init(&mut self, init: Duration) {
        push_bounded(&mut self.init, milliseconds(init));
    }

    /// The totals in a line of text.
    pub fn line(&self) -> String {
        let Counts { count, cold, .. } = self.invocations;
        let Totals { errors, throttles, .. } = self;
        let pings = match self.pings.count {
            0 => String::new(),
            pings => format!(", pings: {pings} with {} cold starts", self.pings.cold),
        };
        let of = |name: &str, figures: &VecDeque<f64>| {
            let figures: Vec<f64> = figures.iter().copied().collect();
            let quantiles = quantile(&figures, 0.5).zip(quantile(&figures, 0.99));
            quantiles.map_or(String::new(), |(half, most)| {
                format!(", {name}: p50 {half:.2} ms, p99 {most:.2} ms")
            })
        };
        format!(
            "invocations: {count}, cold starts: {cold}, errors: {errors}, throttles: {throttles}\
             {pings}{}{}",
            of("Init Duration", &self.init),
            of("Duration", &self.duration)
        )
    }

    /// The entry of `GET /environments`.
    pub fn json(&self) -> Value {
        json!({
            "invocations": self.invocations.count,
            "cold": self.invocations.cold,
            "warm": self.invocations.count - self.invocations.cold,
            "billed_ms": self.invocations.billed_ms,
            "pings": self.pings.json(),
            "errors": self.errors,
            "throttles": self.throttles,
            "max_memory_kib": self.memory_kib,
            "init_ms": summary(&self.init),
            "duration_ms": summary(&self.duration),
            "own_ms": summary(&self.own),
        })
    }
}

fn push_bounded(figures: &mut VecDeque<f64>, figure: f64) {
    if figures.len() == MAX_FIGURES {
        figures.pop_front();
    }
    figures.push_back(figure);
}

fn summary(figures: &VecDeque<f64>) -> Value {
    let figures: Vec<f64> = figures.iter().copied().collect();
    json!({
        "count": figures.len(),
        "median": quantile(&figures, 0.5),
        "p99": quantile(&figures, 0.99),
    })
}
