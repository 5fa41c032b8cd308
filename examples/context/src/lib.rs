//! Returns the whole context of its invocation, for any event.

use std::convert::Infallible;
use std::time::UNIX_EPOCH;

use pilotlight::Context;
use pilotlight::Raw;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    request_id: &'a str,
    deadline_ms: Option<u128>,
    remaining_ms: Option<u128>,
    invoked_function_arn: Option<&'a str>,
    trace_id: Option<&'a str>,
    trace_id_variable: Option<String>,
    client_context: Option<&'a str>,
    cognito_identity: Option<&'a str>,
    tenant_id: Option<&'a str>,
    function_name: Option<&'a str>,
    function_version: Option<&'a str>,
    memory_size_mb: Option<u64>,
    warm_count: u64,
}

fn context<'a>(_event: Raw<&'a [u8]>, context: &'a Context) -> Result<Response<'a>, Infallible> {
    let since_epoch = |deadline: std::time::SystemTime| deadline.duration_since(UNIX_EPOCH).ok();
    Ok(Response {
        request_id: context.request_id(),
        deadline_ms: context.deadline().and_then(since_epoch).map(|time| time.as_millis()),
        remaining_ms: context.remaining().map(|time| time.as_millis()),
        invoked_function_arn: context.invoked_function_arn(),
        trace_id: context.trace_id(),
        trace_id_variable: std::env::var("_X_AMZN_TRACE_ID").ok(),
        client_context: context.client_context(),
        cognito_identity: context.cognito_identity(),
        tenant_id: context.tenant_id(),
        function_name: context.function_name(),
        function_version: context.function_version(),
        memory_size_mb: context.memory_size_mb(),
        warm_count: context.warm_count(),
    })
}

pilotlight::handler!(context);
