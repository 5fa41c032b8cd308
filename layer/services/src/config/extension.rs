//! The AWS Parameters and Secrets extension, if it listens on this machine.
//!
//! It serves during invocations only. For a value that it cannot fetch it answers 400 without a
//! reason, and writes the reason to its own log.

use serde_json::Value as Json;

use super::schedule::Retry;
use super::source;
use super::source::Context;
use super::source::FetchError;

/// Part of its message before the first invocation.
const NOT_READY: &str = "not ready to serve traffic";

/// The extension's answer to this path; None if there is no extension.
pub fn get(context: &Context, path: &str) -> Option<Result<Json, FetchError>> {
    let url = context.extension("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", 2773)?;
    Some(ask(context, &format!("{url}{path}")))
}

fn ask(context: &Context, url: &str) -> Result<Json, FetchError> {
    let token = context.variables().get("AWS_SESSION_TOKEN").unwrap_or_default();
    let response = source::get(&context.local, url, &[("x-aws-parameters-secrets-token", token)])?;
    if response.status == 200 {
        let json = serde_json::from_slice(&response.body);
        return json.map_err(|_| FetchError::new("the extension's answer is not JSON"));
    }
    let message = String::from_utf8_lossy(&response.body);
    if message.contains(NOT_READY) {
        return Err(FetchError { reason: NOT_READY.into(), retry: Retry::Soon });
    }
    let message = if message.contains("unexpected error") {
        "the extension cannot fetch it; its log says why"
    } else {
        ""
    };
    Err(FetchError::status(response.status, message))
}
