//! The URLs and headers of the Runtime API and the Extensions API.
//!
//! Source: "Using the Lambda runtime API" and "Lambda Extensions API" in AWS's documentation.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pilotlight_host::bytes;
use pilotlight_host::integer;

use super::endpoint::Endpoint;
use crate::http;
use crate::invocation::HandlerError;
use crate::invocation::Invocation;
use crate::xray;

const USER_AGENT: &str = concat!("pilotlight/", env!("CARGO_PKG_VERSION"));

/// Content type of errors, and of responses that are posted whole.
pub const JSON: &[u8] = b"application/json";
/// Default content type of streamed responses.
pub const OCTET_STREAM: &[u8] = b"application/octet-stream";
/// Content type of streamed responses with a prelude: status, headers and cookies for function URLs
/// and API Gateway.
pub const HTTP_INTEGRATION: &[u8] = b"application/vnd.awslambda.http-integration-response";

/// The header that every invocation must have.
pub const REQUEST_ID: &str = "Lambda-Runtime-Aws-Request-Id";

/// The header or trailer with a failure's category, after the end of the preceding line.
pub const ERROR_TYPE: &[u8] = b"\r\nLambda-Runtime-Function-Error-Type: ";
/// The trailer with a failure's body in Base64.
pub const ERROR_BODY: &str = "Lambda-Runtime-Function-Error-Body";
const ERROR_CAUSE: &[u8] = b"\r\nLambda-Runtime-Function-XRay-Error-Cause: ";

/// The headers of a chunked response, whose trailers may hold an error.
pub const STREAMING: &[u8] = b"\r\nLambda-Runtime-Function-Response-Mode: streaming\
    \r\nTransfer-Encoding: chunked\
    \r\nTrailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n";

/// The path of a post after the base and the version, in parts.
pub type Path<'a> = [&'a [u8]; 3];

/// The path for a failure of the init phase.
pub const INIT_ERROR: Path = [b"init/error", b"", b""];

/// The path for a failure after a snapshot was restored.
pub const RESTORE_ERROR: Path = [b"restore/error", b"", b""];

/// The path for an invocation: `end` is `/response` or `/error`.
pub fn invocation_path<'a>(invocation: &Invocation<'a>, end: &'static [u8]) -> Path<'a> {
    [b"invocation/", invocation.request_id, end]
}

/// `GET /next`, whole.
pub fn next_request(endpoint: &Endpoint) -> Vec<u8> {
    get(endpoint, b"2018-06-01/runtime/invocation/next", b"")
}

/// `GET /restore/next`, whole.
pub fn restore_request(endpoint: &Endpoint) -> Vec<u8> {
    get(endpoint, b"2018-06-01/runtime/restore/next", b"")
}

/// `GET /event/next` of the Extensions API, whole.
pub fn next_event_request(endpoint: &Endpoint, extension: &[u8]) -> Vec<u8> {
    let header = [b"Lambda-Extension-Identifier: ", extension, b"\r\n"].concat();
    get(endpoint, b"2020-01-01/extension/event/next", &header)
}

/// The request that registers an internal extension without events: it makes Lambda send SIGTERM.
pub fn register_request(endpoint: &Endpoint) -> Vec<u8> {
    let (base, host) = (&endpoint.base, &endpoint.authority);
    let request = format!(
        "POST {base}/2020-01-01/extension/register HTTP/1.1\r\nHost: {host}\r\n\
         User-Agent: {USER_AGENT}\r\nLambda-Extension-Name: pilotlight\r\n\
         Content-Type: application/json\r\nContent-Length: 13\r\n\r\n{{\"events\":[]}}"
    );
    request.into_bytes()
}

/// The extension's identifier, from the response to its registration.
pub fn extension_identifier(head: &[u8]) -> Option<&[u8]> {
    let is_identifier =
        |name: &[u8]| bytes::equal_ignoring_case(name, b"lambda-extension-identifier");
    http::headers(head).find(|(name, _)| is_identifier(name)).map(|(_, value)| value)
}

fn get(endpoint: &Endpoint, path: &[u8], headers: &[u8]) -> Vec<u8> {
    let (base, host) = (endpoint.base.as_bytes(), endpoint.authority.as_bytes());
    let (version, agent) = (b" HTTP/1.1\r\nHost: ", b"\r\nUser-Agent: ");
    let end = b"\r\n";
    [b"GET ", base, b"/", path, version, host, agent, USER_AGENT.as_bytes(), end, headers, end]
        .concat()
}

/// The head of a post, up to the value of its content type; the line end is left to the caller.
pub fn post_head<'h>(
    endpoint: &'h Endpoint,
    path: Path<'h>,
    invocation_id: Option<&'h [u8]>,
    content_type: &'h [u8],
) -> [&'h [u8]; 14] {
    let id_name: &[u8] = match invocation_id {
        Some(_) => b"\r\nLambda-Runtime-Invocation-Id: ",
        None => b"",
    };
    let [first, second, third] = path;
    [
        b"POST ",
        endpoint.base.as_bytes(),
        b"/2018-06-01/runtime/",
        first,
        second,
        third,
        b" HTTP/1.1\r\nHost: ",
        endpoint.authority.as_bytes(),
        b"\r\nUser-Agent: ",
        USER_AGENT.as_bytes(),
        id_name,
        invocation_id.unwrap_or_default(),
        b"\r\nContent-Type: ",
        content_type,
    ]
}

/// Appends the headers with a failure's category and its cause for X-Ray.
pub fn push_error(request: &mut Vec<u8>, error: &HandlerError, working_directory: &[u8]) {
    let kind = function_error_type(error.error_type);
    let cause = xray::cause(error, working_directory);
    for part in [ERROR_TYPE, kind.as_bytes(), ERROR_CAUSE, cause.as_bytes()] {
        request.extend(part);
    }
}

/// Reads the headers of `/next`: names in any case and order. Malformed values count as absent.
pub fn parse_invocation(head: &[u8]) -> Invocation<'_> {
    const PREFIX: &[u8] = b"lambda-runtime-";
    let mut invocation = Invocation::default();
    for (name, value) in http::headers(head) {
        let Some((prefix, rest)) = name.split_at_checked(PREFIX.len()) else {
            continue;
        };
        if !bytes::equal_ignoring_case(prefix, PREFIX) || value.is_empty() {
            continue;
        }
        let is = |name: &[u8]| bytes::equal_ignoring_case(rest, name);
        if is(b"aws-request-id") {
            invocation.request_id = value;
        } else if is(b"deadline-ms") {
            invocation.deadline_ms = integer::parse_decimal(value).map(|number| number as u64);
        } else if is(b"invoked-function-arn") {
            invocation.invoked_function_arn = Some(value);
        } else if is(b"trace-id") {
            invocation.trace_id = Some(value);
        } else if is(b"client-context") {
            invocation.client_context = Some(value);
        } else if is(b"cognito-identity") {
            invocation.cognito_identity = Some(value);
        } else if is(b"aws-tenant-id") {
            invocation.tenant_id = Some(value);
        } else if is(b"invocation-id") {
            invocation.invocation_id = Some(value);
        }
    }
    invocation
}

/// The category of a failure in the only form that the platform accepts,
/// `(Runtime|Function)\.[A-Z][a-zA-Z]+`: the error's own type where that matches.
pub fn function_error_type(error_type: &[u8]) -> String {
    let (category, reason) = match error_type.strip_prefix(b"Runtime.") {
        Some(reason) => ("Runtime", reason),
        None => ("Function", error_type.strip_prefix(b"Function.").unwrap_or(error_type)),
    };
    let fits = matches!(reason, [b'A'..=b'Z', rest @ ..]
        if !rest.is_empty() && rest.iter().all(u8::is_ascii_alphabetic));
    match core::str::from_utf8(reason) {
        Ok(reason) if fits => format!("{category}.{reason}"),
        _ => "Function.HandlerError".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_in_any_case_and_bad_ones_are_absent() {
        let head = b"lambda-runtime-aws-request-id: 1\r\nLAMBDA-RUNTIME-DEADLINE-MS: 12\r\n\
            Lambda-Runtime-Trace-Id: \r\nLambda-Runtime-Aws-Tenant-Id: t\r\nOther: x\r\n\r\n";
        let invocation = parse_invocation(head);
        assert_eq!(invocation.request_id, b"1");
        assert_eq!(invocation.deadline_ms, Some(12));
        assert_eq!(invocation.trace_id, None);
        assert_eq!(invocation.tenant_id, Some(&b"t"[..]));
        let absurd = b"Lambda-Runtime-Deadline-Ms: 99999999999999999999999\r\n\r\n";
        assert_eq!(parse_invocation(absurd).deadline_ms, None);
    }

    #[test]
    fn error_types_are_those_that_the_platform_accepts() {
        assert_eq!(function_error_type(b"ParseError"), "Function.ParseError");
        assert_eq!(function_error_type(b"Runtime.NoSuchHandler"), "Runtime.NoSuchHandler");
        for other in [&b""[..], b"E", b"parse", b"Error2", b"Own.Error", b"A\r\nB", b"\xff"] {
            assert_eq!(function_error_type(other), "Function.HandlerError");
        }
    }
}
