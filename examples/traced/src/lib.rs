//! Takes orders from a queue, and exports a trace of each invocation by OpenTelemetry's protocol.
//!
//! The spans are exported after the response and before the next invocation. The execution
//! environment may be frozen then, so a batch that waits for its interval would wait for hours.

mod client;
mod telemetry;

use std::time::Duration;

use aws_lambda_events::sqs::BatchItemFailure;
use aws_lambda_events::sqs::SqsBatchResponse;
use aws_lambda_events::sqs::SqsEvent;
use aws_lambda_events::sqs::SqsMessage;
use pilotlight::lambda_runtime::Error;
use pilotlight::lambda_runtime::LambdaEvent;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Order {
    item: String,
    count: u32,
}

/// Takes each order. The queue delivers those again that are listed in the response.
async fn orders(event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
    let mut failures = Vec::new();
    for message in event.payload.records {
        if let Err(error) = order(&message).await {
            tracing::warn!(error = &*error as &dyn std::error::Error, "an order failed");
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.unwrap_or_default();
            failures.push(failure);
        }
    }
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failures;
    Ok(response)
}

#[tracing::instrument(skip_all, fields(item))]
async fn order(message: &SqsMessage) -> Result<(), Box<dyn std::error::Error>> {
    let order: Order = serde_json::from_str(message.body.as_deref().unwrap_or_default())?;
    tracing::Span::current().record("item", &order.item);
    tokio::time::sleep(Duration::from_millis(1)).await;
    tracing::info!(count = order.count, "ordered");
    Ok(())
}

pilotlight::handler!(orders, init = telemetry::set_up, after = telemetry::flush);
