//! The subscriber and the exporter.

use std::sync::OnceLock;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::Protocol;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_otlp::WithHttpConfig as _;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::SdkTracerProvider;
use pilotlight::lambda_runtime::Error;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::client::Client;

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Sends spans to `OTEL_EXPORTER_OTLP_ENDPOINT`, and events to the function's log.
pub fn set_up() -> Result<(), Error> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpJson)
        .with_http_client(Client::default())
        .build()?;
    let provider =
        PROVIDER.get_or_init(|| SdkTracerProvider::builder().with_batch_exporter(exporter).build());
    let exported = tracing_opentelemetry::layer().with_tracer(provider.tracer("orders"));
    tracing_subscriber::registry().with(pilotlight::log_layer()).with(exported).try_init()?;
    Ok(())
}

/// Exports the spans that have ended.
pub fn flush() -> OTelSdkResult {
    PROVIDER.get().map_or(Ok(()), SdkTracerProvider::force_flush)
}
