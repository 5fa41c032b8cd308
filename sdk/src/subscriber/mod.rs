//! A subscriber of the crate `tracing` that writes to the function's log.

mod fields;
mod line;

use std::io;
use std::io::Write as _;

use tracing::Event;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing::span::Attributes;
use tracing::span::Id;
use tracing::span::Record;
use tracing_subscriber::Layer;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::Context;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;

use pilotlight_abi as abi;

use self::fields::Fields;
use self::line::Line;
use crate::runtime;

/// Makes the macros of the crate `tracing` write to the function's log.
///
/// ```
/// fn setup() {
///     pilotlight::install_subscriber();
///     tracing::info!(path = "/opt/model", "loading the model");
/// }
/// ```
///
/// Only an `init` that logs needs to call this: otherwise the SDK does it after `init`. Does
/// nothing if another subscriber is set, or if no runtime is attached.
pub fn install() {
    if runtime::attached().is_some() {
        // Fails if another one is set, which `init` has then chosen.
        let _ = tracing::subscriber::set_global_default(Registry::default().with(log_layer()));
    }
}

/// A layer that writes to the function's log, for an `init` that sets a subscriber with other
/// layers beside it.
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt;
/// use tracing_subscriber::util::SubscriberInitExt;
///
/// fn setup() -> Result<(), tracing_subscriber::util::TryInitError> {
///     let exporter = tracing_subscriber::layer::Identity::new();
///     tracing_subscriber::registry().with(pilotlight::log_layer()).with(exporter).try_init()
/// }
/// ```
///
/// Each event is one line and one write, in the format of `AWS_LAMBDA_LOG_FORMAT` and from the
/// level of `AWS_LAMBDA_LOG_LEVEL` on. A JSON line has `timestamp`, `level`, `target`, the fields
/// of the span `invocation` (`requestId`, `xrayTraceId`, `tenantId`), `message`, the event's other
/// fields in `fields`, and the other spans in `spans`, outermost first. Without a runtime, as in a
/// unit test, the layer writes nothing.
pub fn log_layer<S>() -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let level = runtime::attached().map_or(LevelFilter::OFF, |runtime| match runtime.log_level {
        0 => LevelFilter::TRACE,
        1 => LevelFilter::DEBUG,
        2 => LevelFilter::INFO,
        3 => LevelFilter::WARN,
        4 => LevelFilter::ERROR,
        // FATAL, which the crate `tracing` does not have.
        _ => LevelFilter::OFF,
    });
    LogLayer.with_filter(level)
}

struct LogLayer;

impl<S> Layer<S> for LogLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Line::of(event);
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.add_span(span.metadata(), fields);
            }
        }
        let is_json = runtime::attached().is_some_and(|found| found.log_format == abi::LOG_JSON);
        let line = if is_json { line.into_json() } else { line.into_text() };
        // A log that cannot be written must not fail the invocation.
        let _ = io::stderr().write_all(line.as_bytes());
    }
}
