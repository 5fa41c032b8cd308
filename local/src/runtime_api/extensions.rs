//! The part of the Extensions API that a runtime's shutdown hook needs, and the metadata endpoint.
//!
//! The runtime's process registers an *internal* extension so that Lambda sends the process SIGTERM
//! before it ends it. An internal extension must not subscribe to events.

use std::io;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use super::ApiError;
use super::Shared;
use super::http;
use super::http::Answer;
use super::http::Body;
use super::http::Connection;
use super::http::Head;
use crate::identifiers;

/// Limit for the body of a registration, in bytes.
const MAX_BODY: usize = 64 << 10;

/// Answers a request to one of these APIs; `None` for any other request.
pub fn respond(
    head: &Head,
    connection: &mut Connection,
    shared: &Shared,
) -> io::Result<Option<Result<Answer, ApiError>>> {
    Ok(match (head.method.as_str(), head.path()) {
        ("POST", "/2020-01-01/extension/register") => {
            let body = Body::of(head, connection)?.whole(connection, MAX_BODY)?;
            Some(register(head, &body.unwrap_or_default(), shared))
        }
        ("GET", "/2020-01-01/extension/event/next") => Some(next(head, shared)),
        ("GET", "/2026-01-15/metadata/execution-environment") => Some(Ok(metadata(head, shared))),
        ("GET", "/2018-06-01/ping") => {
            Some(Ok(Answer { status: 200, body: b"pong".to_vec(), ..Answer::default() }))
        }
        _ => None,
    })
}

fn register(head: &Head, body: &[u8], shared: &Shared) -> Result<Answer, ApiError> {
    let refuse =
        |status, error_type, message: String| Err(ApiError::new(status, error_type, message));
    let Some(name) = head.header("Lambda-Extension-Name").filter(|name| !name.is_empty()) else {
        let message = "the header Lambda-Extension-Name is missing";
        return refuse(400, "Extension.InvalidExtensionName", message.to_owned());
    };
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(event) = body["events"].as_array().and_then(|events| events.first()) {
        let event = event.as_str().unwrap_or_default();
        let message = match event {
            "SHUTDOWN" => "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension".to_owned(),
            _ => format!("{event}: the local Lambda sends internal extensions no events"),
        };
        return refuse(403, "Extension.InvalidEventType", message);
    }
    let identifier = identifiers::uuid();
    shared.session().register_extension(identifier.clone())?;
    let body = json!({ "functionVersion": "$LATEST", "extensionName": name });
    Ok(http::json(200, body.to_string()).with("Lambda-Extension-Identifier", identifier))
}

/// Waits until the environment ends. The process itself learns that by SIGTERM.
fn next(head: &Head, shared: &Shared) -> Result<Answer, ApiError> {
    let identifier = head.header("Lambda-Extension-Identifier").unwrap_or_default();
    shared.change(|session| session.extension_is_ready(identifier))?;
    shared.wait_for(Duration::MAX, |session| session.is_closed().then_some(()));
    Ok(Answer { status: 410, ..Answer::default() })
}

fn metadata(head: &Head, shared: &Shared) -> Answer {
    let token = head.header("Authorization").and_then(|value| value.strip_prefix("Bearer "));
    if token == Some(shared.metadata_token()) {
        http::json(200, json!({ "AvailabilityZoneID": "use1-az1" }).to_string())
    } else {
        Answer { status: 401, ..Answer::default() }
    }
}
