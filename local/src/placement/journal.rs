//! The history of the environments, for the page and for `GET /environments`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use super::span::Figures;
use super::span::Span;
use super::span::SpanKind;
use super::timeline::Range;
use super::timeline::Timeline;
use crate::environment::InvokeError;
use crate::log::Kept;
use crate::report;
use crate::runtime_api::Ended;
use crate::runtime_api::Outcome;

/// Limit for the spans that are kept of one environment; older ones are dropped.
const MAX_SPANS: usize = 120;

/// A finished invocation.
#[derive(Debug)]
pub struct Done {
    /// The answer, or the reason that there is none.
    pub result: Result<Ended, InvokeError>,
    /// The time up to the answer, without `Init`.
    pub duration: Duration,
    /// The time from the answer to the next `/next`, which is billed as well.
    pub overhead: Duration,
    /// `Init Duration`, if this invocation was the first of an environment.
    pub init: Option<Duration>,
    /// The log.
    pub log: Kept,
    /// Size of the event.
    pub event_bytes: usize,
    /// Peak memory of the process, in KiB.
    pub memory_kib: u64,
    /// Whether it began with the `Init` of a new environment.
    pub is_cold: bool,
    /// Its span on the page.
    pub span: Span,
}

impl Done {
    /// `Billed Duration`, in milliseconds.
    pub fn billed_ms(&self) -> u64 {
        report::billed_ms(self.duration + self.overhead, self.init)
    }

    /// Its span, with figures.
    pub fn entry(&self) -> Span {
        let response_bytes = match &self.result {
            Ok(Ended { outcome: Outcome::Response(body), .. }) => Some(body.len()),
            _ => None,
        };
        self.span.clone().with(Figures {
            is_cold: self.is_cold,
            duration: self.duration,
            init: self.init,
            billed_ms: self.billed_ms(),
            memory_kib: self.memory_kib,
            event_bytes: self.event_bytes,
            response_bytes,
        })
    }

    /// Whether the answer is an error.
    pub fn is_error(&self) -> bool {
        !matches!(&self.result, Ok(Ended { outcome: Outcome::Response(_), .. }))
    }
}

/// The current phase of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its first process is starting.
    Initialising,
    /// It has an invocation.
    Busy,
    /// It waits for an invocation; its process runs.
    Idle,
    /// It waits for an invocation; its process is stopped.
    Frozen,
    /// Its process is gone.
    Ended,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Phase::Initialising => "initialising",
            Phase::Busy => "busy",
            Phase::Idle => "idle",
            Phase::Frozen => "frozen",
            Phase::Ended => "ended",
        }
    }
}

/// The reason that an environment was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retired {
    /// It was idle for too long.
    Idle,
    /// The library was rebuilt.
    Rebuilt,
    /// Its process could not be started, or a provisioned one has ended.
    Failed,
    /// The server is shutting down.
    Closed,
}

impl Retired {
    fn name(self) -> &'static str {
        match self {
            Retired::Idle => "idle",
            Retired::Rebuilt => "rebuilt",
            Retired::Failed => "failed",
            Retired::Closed => "closed",
        }
    }
}

/// One environment's history.
#[derive(Debug)]
pub struct History {
    number: u64,
    provisioned: bool,
    phase: Phase,
    retired: Option<Retired>,
    /// The start of the current phase.
    since: Instant,
    created: Instant,
    pid: Option<i32>,
    memory_kib: u64,
    invocations: u64,
    pings: u64,
    /// Each with its number in the timeline.
    spans: VecDeque<(u64, Span)>,
    spans_dropped: u64,
    /// The number of the last change in the timeline.
    changed: u64,
    timeline: Arc<Timeline>,
}

impl History {
    /// The history of a new environment.
    pub fn new(number: u64, provisioned: bool, timeline: &Arc<Timeline>) -> History {
        let now = Instant::now();
        History {
            number,
            provisioned,
            phase: Phase::Initialising,
            retired: None,
            since: now,
            created: now,
            pid: None,
            memory_kib: 0,
            invocations: 0,
            pings: 0,
            spans: VecDeque::new(),
            spans_dropped: 0,
            changed: timeline.next(),
            timeline: Arc::clone(timeline),
        }
    }

    /// The environment's number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The current phase.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The start of the current phase.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// Enters a phase now.
    pub fn set_phase(&mut self, phase: Phase) {
        self.phase = phase;
        self.since = Instant::now();
        self.changed = self.timeline.next();
    }

    /// Ends now.
    pub fn end(&mut self, why: Retired) {
        self.retired = Some(why);
        self.set_phase(Phase::Ended);
    }

    /// Adds a span, and updates the process id and the peak memory. Returns the span's number.
    pub fn add(&mut self, span: Span, pid: Option<i32>, memory_kib: u64) -> u64 {
        self.invocations += u64::from(span.kind == SpanKind::Invocation);
        self.pings += u64::from(span.kind == SpanKind::Ping);
        self.changed = self.timeline.next();
        self.spans.push_back((self.changed, span));
        if self.spans.len() > MAX_SPANS {
            self.spans.pop_front();
            self.spans_dropped += 1;
        }
        self.pid = pid;
        self.memory_kib = self.memory_kib.max(memory_kib);
        self.changed
    }

    /// The entry of `GET /environments` with the range's spans; `None` if nothing has changed.
    pub fn json(&self, range: Range) -> Option<Value> {
        if !range.has_changed(self.changed) {
            return None;
        }
        let spans = self.spans.iter().filter(|(id, _)| range.has(*id));
        Some(json!({
            "number": self.number,
            "provisioned": self.provisioned,
            "state": self.phase.name(),
            "retired": self.retired.map(Retired::name),
            "since_ms": self.timeline.at(self.since),
            "created_ms": self.timeline.at(self.created),
            "pid": self.pid,
            "memory_kib": self.memory_kib,
            "invocations": self.invocations,
            "pings": self.pings,
            "spans": spans.map(|(id, span)| span.json(*id, &self.timeline)).collect::<Vec<_>>(),
            "spans_dropped": self.spans_dropped,
        }))
    }
}
