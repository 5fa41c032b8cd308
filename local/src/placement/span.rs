//! A span of an environment's time.

use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use super::timeline::Timeline;
use crate::report::ErrorSummary;
use crate::report::milliseconds;

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
    figures: Option<Figures>,
}

/// The figures of a finished invocation or ping.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Whether it began with the init of a new environment.
    pub is_cold: bool,
    /// `Duration`.
    pub duration: Duration,
    /// `Init Duration`, if there was one.
    pub init: Option<Duration>,
    /// `Billed Duration`, in milliseconds.
    pub billed_ms: u64,
    /// Peak memory of the process, in KiB.
    pub memory_kib: u64,
    /// Size of the event.
    pub event_bytes: usize,
    /// Size of the response; `None` if there was none.
    pub response_bytes: Option<usize>,
}

impl Figures {
    fn json(&self) -> Value {
        json!({
            "cold": self.is_cold,
            "duration_ms": milliseconds(self.duration),
            "init_ms": self.init.map(milliseconds),
            "billed_ms": self.billed_ms,
            "memory_kib": self.memory_kib,
            "event_bytes": self.event_bytes,
            "response_bytes": self.response_bytes,
        })
    }
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
        Span { kind, request_id, start, end, failure, figures: None }
    }

    /// The span of an init.
    pub fn init(
        kind: SpanKind,
        start: Instant,
        end: Instant,
        failure: Option<ErrorSummary>,
    ) -> Span {
        Span { kind, request_id: String::new(), start, end, failure, figures: None }
    }

    /// Its length.
    pub fn duration(&self) -> Duration {
        self.end.saturating_duration_since(self.start)
    }

    /// The same span with figures.
    pub fn with(self, figures: Figures) -> Span {
        Span { figures: Some(figures), ..self }
    }

    /// Whether it is the first init of an environment, and failed.
    pub fn is_failed_init(&self) -> bool {
        self.kind == SpanKind::Init && self.failure.is_some()
    }

    /// The entry of `GET /environments`.
    pub fn json(&self, id: u64, timeline: &Timeline) -> Value {
        let kind = match self.kind {
            SpanKind::Init => "init",
            SpanKind::Reinit => "reinit",
            SpanKind::Invocation => "invocation",
            SpanKind::Ping => "ping",
        };
        json!({
            "id": id,
            "kind": kind,
            "request_id": self.request_id,
            "start_ms": timeline.at(self.start),
            "end_ms": timeline.at(self.end),
            "failed": self.failure.is_some(),
            "error": self.failure.as_ref().map(ErrorSummary::json),
            "figures": self.figures.as_ref().map(Figures::json),
        })
    }
}
