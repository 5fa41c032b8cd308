//! The AWS Parameters and Secrets extension, if it listens on this machine.
//!
//! It serves during invocations only. A value that it cannot fetch is a 400 without a reason, which stands
//! in the extension's own log.

use serde_json::Value as Json;

use super::source;
use super::source::Context;
use super::source::Failure;
use super::source::Retry;

/// What it says before the first invocation.
const NOT_READY: &str = "not ready to serve traffic";

/// Its answer to this path; None where there is no extension.
pub fn get(context: &Context, path: &str) -> Option<Result<Json, Failure>> {
    let url = context.extension("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", 2773)?;
    Some(ask(context, &format!("{url}{path}")))
}

fn ask(context: &Context, url: &str) -> Result<Json, Failure> {
    let token = context.variables().get("AWS_SESSION_TOKEN").unwrap_or_default();
    let response = source::get(&context.local, url, &[("x-aws-parameters-secrets-token", token)])?;
    if response.status == 200 {
        let json = serde_json::from_slice(&response.body);
        return json.map_err(|_| Failure::new("the extension's answer is not JSON"));
    }
    let words = String::from_utf8_lossy(&response.body);
    if words.contains(NOT_READY) {
        return Err(Failure { reason: NOT_READY.into(), retry: Retry::Soon });
    }
    let words = if words.contains("unexpected error") {
        "the extension cannot fetch it; its log says why"
    } else {
        ""
    };
    Err(Failure::status(response.status, words))
}
