//! `pilotlight invoke`: one invocation of a function over HTTP.

use std::io::Write;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// Limit for the whole request: Lambda's maximum of 900 s for a function, and some reserve.
const TIMEOUT: Duration = Duration::from_secs(1000);
/// Limit for a response, in bytes.
const MAX_RESPONSE: u64 = 256 << 20;

/// One invocation.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// The function.
    pub name: &'a str,
    /// The event.
    pub event: &'a [u8],
    /// `RequestResponse`, `Event` or `DryRun`.
    pub kind: &'a str,
    /// The server, as `http://HOST:PORT`.
    pub endpoint: &'a str,
}

/// Invokes the function: its response goes to `responses`, the tail of its log to standard error.
/// Returns whether the function failed.
pub fn invoke(plan: &Plan, responses: &mut impl Write) -> Result<bool> {
    let endpoint = plan.endpoint.trim_end_matches('/');
    let name = plan.name.replace('%', "%25").replace(':', "%3A").replace('$', "%24");
    let url = format!("{endpoint}/2015-03-31/functions/{name}/invocations");
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(TIMEOUT))
        .proxy(None)
        .build()
        .new_agent();
    let mut response = agent
        .post(&url)
        .header("X-Amz-Invocation-Type", plan.kind)
        .header("X-Amz-Log-Type", "Tail")
        .content_type("application/json")
        .send(plan.event)
        .with_context(|| {
            format!("cannot reach {endpoint}; is `pilotlight serve` running there?")
        })?;
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let tail = header("X-Amz-Log-Result").and_then(|tail| BASE64_STANDARD.decode(tail).ok());
    let failed = header("X-Amz-Function-Error").is_some();
    let error_type = header("x-amzn-ErrorType").map(str::to_owned);
    let status = response.status();
    let body = response.body_mut().with_config().limit(MAX_RESPONSE).read_to_vec();
    let body = body.context("the response was truncated")?;
    if !status.is_success() {
        let error_type = error_type.unwrap_or_default();
        bail!("{status}: {error_type}: {}", String::from_utf8_lossy(&body));
    }
    if let Some(tail) = tail {
        // Standard error may be closed; there is no other place to report that.
        let _ = std::io::stderr().write_all(&tail);
    }
    if plan.kind == "RequestResponse" {
        responses.write_all(&body)?;
        responses.write_all(b"\n")?;
    }
    Ok(failed)
}
