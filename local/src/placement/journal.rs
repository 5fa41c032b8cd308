//! The history of the environments, for the page and for `GET /environments`.

use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use crate::environment::InvokeError;
use crate::report;
use crate::report::ErrorSummary;
use crate::report::milliseconds;
use crate::runtime_api::Ended;
use crate::runtime_api::Outcome;

/// Limit for the spans that are kept of one environment; older ones are dropped.
const MAX_SPANS: usize = 120;

/// The activity of an environment in a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// `Init`, before the first invocation.
    Init,
    /// `Init` within an invocation, after a failed init, a crash or a timeout.
    Reinit,
    /// The handler ran.
    Invocation,
    /// The runtime answered a ping.
    Ping,
}

/// A span of an environment's time.
#[derive(Clone, Debug)]
pub struct Span {
    /// The activity.
    pub kind: SpanKind,
    request_id: String,
    start: Instant,
    end: Instant,
    failure: Option<ErrorSummary>,
}

impl Span {
    /// The span of an invocation or a ping.
    pub fn invocation(
        kind: SpanKind,
        request_id: String,
        start: Instant,
        end: Instant,
        failure: Option<ErrorSummary>,
    ) -> Span {
        Span { kind, request_id, start, end, failure }
    }

    /// The span of an init.
    pub fn init(
        kind: SpanKind,
        start: Instant,
        end: Instant,
        failure: Option<ErrorSummary>,
    ) -> Span {
        Span { kind, request_id: String::new(), start, end, failure }
    }

    /// Its length.
    pub fn duration(&self) -> Duration {
        self.end.saturating_duration_since(self.start)
    }

    fn json(&self, epoch: Instant) -> Value {
        let kind = match self.kind {
            SpanKind::Init => "init",
            SpanKind::Reinit => "reinit",
            SpanKind::Invocation => "invocation",
            SpanKind::Ping => "ping",
        };
        json!({
            "kind": kind,
            "request_id": self.request_id,
            "start_ms": since(epoch, self.start),
            "end_ms": since(epoch, self.end),
            "failed": self.failure.is_some(),
            "error": self.failure.as_ref().map(ErrorSummary::json),
        })
    }
}

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
    /// The last 4 KiB of the log.
    pub log_tail: Vec<u8>,
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

/// One environment's history.
#[derive(Debug)]
pub struct History {
    number: u64,
    provisioned: bool,
    phase: Phase,
    /// The start of the current phase.
    since: Instant,
    created: Instant,
    pid: Option<i32>,
    memory_kib: u64,
    invocations: u64,
    pings: u64,
    spans: VecDeque<Span>,
}

impl History {
    /// The history of a new environment.
    pub fn new(number: u64, provisioned: bool) -> History {
        let now = Instant::now();
        History {
            number,
            provisioned,
            phase: Phase::Initialising,
            since: now,
            created: now,
            pid: None,
            memory_kib: 0,
            invocations: 0,
            pings: 0,
            spans: VecDeque::new(),
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
    }

    /// Adds a span, and updates the process id and the peak memory.
    pub fn add(&mut self, span: Span, pid: Option<i32>, memory_kib: u64) {
        self.invocations += u64::from(span.kind == SpanKind::Invocation);
        self.pings += u64::from(span.kind == SpanKind::Ping);
        self.spans.push_back(span);
        self.spans.drain(..self.spans.len().saturating_sub(MAX_SPANS));
        self.pid = pid;
        self.memory_kib = self.memory_kib.max(memory_kib);
    }

    /// The entry of `GET /environments`; times are milliseconds since `epoch`.
    pub fn json(&self, epoch: Instant) -> Value {
        json!({
            "number": self.number,
            "provisioned": self.provisioned,
            "state": self.phase.name(),
            "since_ms": since(epoch, self.since),
            "created_ms": since(epoch, self.created),
            "pid": self.pid,
            "memory_kib": self.memory_kib,
            "invocations": self.invocations,
            "pings": self.pings,
            "spans": self.spans.iter().map(|span| span.json(epoch)).collect::<Vec<_>>(),
        })
    }
}

fn since(epoch: Instant, instant: Instant) -> f64 {
    milliseconds(instant.saturating_duration_since(epoch))
}
