//! `Invoke` and `InvokeWithResponseStream`.
//!
//! Source: their pages in AWS's API reference, and the service model in botocore.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::body::Bytes;
use hyper::body::Incoming;
use serde_json::Value;
use serde_json::json;

use super::HttpResponse;
use super::Lambda;
use super::Named;
use super::ServiceError;
use super::event_stream;
use super::head;
use super::head::Head;
use super::head::percent_decode;
use super::http_response::Pieces;
use super::running::Running;
use crate::function::MAX_PAYLOAD;
use crate::identifiers;
use crate::placement::Done;
use crate::placement::Request;
use crate::report;
use crate::runtime_api::Outcome;
use crate::runtime_api::Piece;

/// Limit for the event of an asynchronous invocation, in bytes.
const MAX_ASYNCHRONOUS: usize = 1 << 20;
/// Limit for an encoded client context, in bytes.
const MAX_CONTEXT: usize = 3583;

/// `POST /2015-03-31/functions/NAME/invocations`.
pub async fn buffered(
    lambda: &Lambda,
    name: &str,
    head: &Head,
    body: Incoming,
) -> Result<HttpResponse, ServiceError> {
    let kind = head.header("x-amz-invocation-type").unwrap_or("RequestResponse");
    let limit = if kind == "Event" { MAX_ASYNCHRONOUS } else { MAX_PAYLOAD };
    let event = head::read(body, limit).await?;
    let (named, request) = ask(lambda, name, head, event, kind)?;
    let request_id = request.request_id.clone();
    match kind {
        "DryRun" => return Ok(accepted(204, &request_id)),
        "Event" => {
            lambda.invoke_event(&named, request)?;
            return Ok(accepted(202, &request_id));
        }
        _ => {}
    }
    let done = lambda.run(&named, request, head.received, false)?.done().await?;
    Ok(answer(head, &named, &request_id, done))
}

fn accepted(status: u16, request_id: &str) -> HttpResponse {
    HttpResponse::new(status, "").with("x-amzn-RequestId", request_id)
}

fn answer(head: &Head, named: &Named, request_id: &str, done: Done) -> HttpResponse {
    let tail = tail(head, &done);
    let result = done.result.map(|ended| ended.outcome);
    let timeout = named.placement.function.timeout;
    let (body, failed) = report::answer(result, request_id, timeout);
    let mut answer = HttpResponse::json(200, body)
        .with("x-amzn-RequestId", request_id)
        .with("X-Amz-Executed-Version", "$LATEST");
    if failed {
        answer = answer.with("X-Amz-Function-Error", "Unhandled");
    }
    match tail {
        Some(tail) => answer.with("X-Amz-Log-Result", &tail),
        None => answer,
    }
}

/// `POST /2021-11-15/functions/NAME/response-streaming-invocations`.
pub async fn streamed(
    lambda: &Lambda,
    name: &str,
    head: Head,
    body: Incoming,
) -> Result<HttpResponse, ServiceError> {
    let event = head::read(body, MAX_PAYLOAD).await?;
    let (named, request) = ask(lambda, name, &head, event, "RequestResponse")?;
    let request_id = request.request_id.clone();
    let timeout = named.placement.function.timeout;
    let mut running = lambda.run(&named, request, head.received, true)?;
    let answer = HttpResponse::new(200, "")
        .with("Content-Type", "application/vnd.amazon.eventstream")
        .with("x-amzn-RequestId", &request_id)
        .with("X-Amz-Executed-Version", "$LATEST");
    let (mut pieces, answer) = answer.streamed();
    let ending = move |done: Done| complete(&head, &request_id, timeout, done);
    // Without a piece, the function failed, or it was not placed.
    let Some(first) = running.piece().await else {
        let complete = ending(running.done().await?);
        tokio::spawn(async move { pieces.send_data(complete).await });
        return Ok(answer);
    };
    tokio::spawn(async move {
        if pass_on(first, &mut running, &mut pieces).await
            && let Ok(done) = running.done().await
        {
            // Sending fails only if the client is gone. If `done` failed, the client sees that the
            // final message is missing.
            let _ = pieces.send_data(ending(done)).await;
        }
    });
    Ok(answer)
}

/// Passes the pieces on while they arrive; false if the client is gone.
async fn pass_on(first: Piece, running: &mut Running, pieces: &mut Pieces) -> bool {
    let mut next = Some(first);
    while let Some(piece) = next {
        if let Piece::Bytes(bytes) = piece
            && pieces.send_data(event_stream::payload_chunk(&bytes).into()).await.is_err()
        {
            return false;
        }
        next = running.piece().await;
    }
    true
}

/// The message that ends a streamed invocation.
fn complete(head: &Head, request_id: &str, timeout: Duration, done: Done) -> Bytes {
    let mut complete = json!({});
    if let Some(tail) = tail(head, &done) {
        complete["LogResult"] = tail.into();
    }
    let result = done.result.map(|ended| ended.outcome);
    if !matches!(result, Ok(Outcome::Response(_))) {
        let code = match &result {
            Ok(Outcome::FailedStream { error_type, .. }) => error_type.clone(),
            _ => "Unhandled".to_owned(),
        };
        let (body, _) = report::answer(result, request_id, timeout);
        complete["ErrorCode"] = code.into();
        complete["ErrorDetails"] = Value::from(String::from_utf8_lossy(&body));
    }
    event_stream::invoke_complete(&complete).into()
}

/// Checks a request and its signature, and builds the invocation.
fn ask<'a>(
    lambda: &'a Lambda,
    name: &str,
    head: &Head,
    event: Vec<u8>,
    kind: &str,
) -> Result<(Named<'a>, Request), ServiceError> {
    lambda.access.check_token(head, &event)?;
    if !matches!(kind, "RequestResponse" | "Event" | "DryRun") {
        let message =
            format!("{kind} is not an invocation type; expected RequestResponse, Event or DryRun");
        return Err(ServiceError::new(400, "InvalidParameterValueException", message));
    }
    let qualifier = head.query_value("Qualifier");
    let named = lambda.find(name, qualifier.map(percent_decode).as_deref())?;
    check_content_type(head)?;
    // Without an event, the handler gets an empty object.
    let event = if event.is_empty() { b"{}".to_vec() } else { event };
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&event) {
        let message = format!("Could not parse request body into json: {error}");
        return Err(ServiceError::new(400, "InvalidRequestContentException", message));
    }
    let request = Request {
        request_id: identifiers::uuid(),
        event,
        trace_id: head.header("x-amzn-trace-id").map(str::to_owned),
        client_context: client_context(head, kind)?,
        tenant_id: head.header("x-amz-tenant-id").map(str::to_owned),
        arn: named.arn.clone(),
    };
    Ok((named, request))
}

/// Accepts JSON's content types, none, a generic one, and the one that `curl -d` sends by default.
fn check_content_type(head: &Head) -> Result<(), ServiceError> {
    let full = head.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let kind = full.split(';').next().unwrap_or_default().trim();
    let taken = ["", "application/octet-stream", "binary/octet-stream"];
    let form = "application/x-www-form-urlencoded";
    if kind.contains("json") || kind == form || taken.contains(&kind) {
        return Ok(());
    }
    let message = format!("The content type of the Invoke request body is not JSON: {kind}");
    Err(ServiceError::new(415, "UnsupportedMediaTypeException", message))
}

fn client_context(head: &Head, kind: &str) -> Result<Option<String>, ServiceError> {
    let refuse = |message: &str| ServiceError::new(400, "InvalidRequestContentException", message);
    let Some(encoded) = head.header("x-amz-client-context").filter(|_| kind != "Event") else {
        return Ok(None);
    };
    if encoded.len() > MAX_CONTEXT {
        return Err(refuse("Client context must be at most 3583 bytes of base64"));
    }
    let json = BASE64_STANDARD.decode(encoded).ok();
    let json = json.and_then(|json| String::from_utf8(json).ok());
    let json = json.filter(|json| serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok());
    json.map(Some)
        .ok_or_else(|| refuse("Client context must be a valid Base64-encoded JSON object."))
}

/// The tail of the log in base64, if the client requested it.
fn tail(head: &Head, done: &Done) -> Option<String> {
    let wanted = head.header("x-amz-log-type") == Some("Tail");
    wanted.then(|| BASE64_STANDARD.encode(done.log.tail()))
}
