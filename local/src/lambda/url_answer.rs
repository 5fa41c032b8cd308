//! Responses of function URLs: converts a function's response to an HTTP response.
//!
//! Source: "Invoking Lambda function URLs" in Lambda's developer guide. A streamed response is
//! passed on as it arrives, as in the invoke mode `RESPONSE_STREAM`.

use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Map;
use serde_json::Value;

use super::HttpResponse;
use super::ServiceError;
use super::http_response::Pieces;
use super::running::Running;
use crate::runtime_api::Outcome;
use crate::runtime_api::Piece;

/// Content type of a streamed response with a prelude: status and headers as JSON, then eight NULs.
const WITH_PRELUDE: &str = "application/vnd.awslambda.http-integration-response";
/// Limit for a prelude, in bytes.
const MAX_PRELUDE: usize = 1 << 20;

/// The HTTP response of an invocation, as soon as its head is known.
pub async fn of(mut running: Running) -> Result<HttpResponse, ServiceError> {
    let Some(Piece::Begun { content_type, streamed }) = running.piece().await else {
        // No response began: the function failed, or it was not placed.
        running.done().await?;
        return Ok(failed());
    };
    if !streamed {
        // A buffered response arrives as one piece, or not at all.
        let response = running.piece().await;
        // The service holds a response until the environment can take the next invocation.
        running.done().await?;
        return Ok(match response {
            Some(Piece::Bytes(response)) => whole(&response),
            Some(Piece::Begun { .. }) | None => failed(),
        });
    }
    if content_type.as_deref() != Some(WITH_PRELUDE) {
        let kind = content_type.unwrap_or_else(|| "application/octet-stream".into());
        return Ok(stream(
            HttpResponse::new(200, "").with("Content-Type", &kind),
            Vec::new(),
            running,
        ));
    }
    let mut gathered = Vec::new();
    while let Some(Piece::Bytes(bytes)) = running.piece().await {
        gathered.extend(bytes);
        if let Some(end) = gathered.windows(8).position(|eight| eight == [0; 8]) {
            let body = gathered.split_off(end + 8);
            let described = serde_json::from_slice(&gathered[..end]).unwrap_or_default();
            return Ok(stream(integration(described, Vec::new()), body, running));
        }
        if gathered.len() > MAX_PRELUDE {
            break;
        }
    }
    Ok(failed())
}

fn failed() -> HttpResponse {
    HttpResponse::new(502, "Internal Server Error")
}

/// Streams the response's body: `first`, then the remaining pieces.
fn stream(answer: HttpResponse, first: Vec<u8>, running: Running) -> HttpResponse {
    let (pieces, answer) = answer.streamed();
    tokio::spawn(pass_on(first, running, pieces));
    answer
}

async fn pass_on(first: Vec<u8>, mut running: Running, mut pieces: Pieces) {
    let mut next = Some(Piece::Bytes(first));
    while let Some(piece) = next {
        if let Piece::Bytes(bytes) = piece
            && !bytes.is_empty()
            && pieces.send_data(bytes.into()).await.is_err()
        {
            // The client is gone; the invocation goes on, as on Lambda.
            return;
        }
        next = running.piece().await;
    }
    let outcome = running.done().await.map(|done| done.result.map(|ended| ended.outcome));
    if !matches!(outcome, Ok(Ok(Outcome::Response(_)))) {
        // Closing the connection without a last chunk tells the client that the body is incomplete.
        pieces.abort(io::Error::other("the function failed"));
    }
}

/// The HTTP response of a buffered response: JSON with `statusCode` describes it, and anything else
/// is its body.
fn whole(response: &[u8]) -> HttpResponse {
    match serde_json::from_slice::<Value>(response) {
        Ok(Value::Object(mut described)) if described.contains_key("statusCode") => {
            let body = match described.remove("body") {
                Some(Value::String(body)) => body,
                None | Some(Value::Null) => String::new(),
                Some(other) => other.to_string(),
            };
            let encoded = described.get("isBase64Encoded") == Some(&Value::Bool(true));
            let body = match encoded.then(|| BASE64_STANDARD.decode(&body)) {
                Some(Ok(bytes)) => bytes,
                _ => body.into_bytes(),
            };
            integration(Value::Object(described), body)
        }
        Ok(Value::String(text)) => HttpResponse::json(200, text),
        _ => HttpResponse::json(200, response.to_vec()),
    }
}

/// A response with the status, headers and cookies that the function described.
fn integration(described: Value, body: Vec<u8>) -> HttpResponse {
    let status = described["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
    let mut answer = HttpResponse::new(status.unwrap_or(200), body);
    for (name, value) in described["headers"].as_object().unwrap_or(&Map::new()) {
        // The server sets the framing itself.
        let framing =
            ["content-length", "transfer-encoding", "connection", "keep-alive", "upgrade"];
        if !framing.contains(&name.to_ascii_lowercase().as_str()) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            answer = answer.with(name, &value);
        }
    }
    for cookie in described["cookies"].as_array().unwrap_or(&Vec::new()) {
        answer = answer.with("Set-Cookie", cookie.as_str().unwrap_or_default());
    }
    if !answer.has("content-type") {
        answer = answer.with("Content-Type", "application/json");
    }
    answer
}
