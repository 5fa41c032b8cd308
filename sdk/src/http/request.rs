//! Conversion of events to requests.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::header::COOKIE;

use super::Body;
use super::Front;
use super::Request;
use super::RequestContext;
use super::event::ContextParts;
use super::event::Event;
use super::json::Pairs;
use super::json::Text;
use super::settings::Stage;
use super::uri;
use crate::failure::Failure;

/// The name of the type that events must have, for messages.
const EXPECTED: &str = "request";

/// A part of the domains of API Gateway.
const HTTP_APIS: &str = ".execute-api.";

/// A request, and where its response goes.
#[derive(Debug)]
pub struct Arrived {
    /// The request.
    pub request: Request,
    /// The service that it came through.
    pub front: Front,
    /// Whether that service can pass on a response while it is made.
    pub can_stream: bool,
}

/// Converts an event to a request.
pub fn request(bytes: &[u8], stage: Stage) -> Result<Arrived, Failure> {
    let invalid = |error: serde_json::Error| Failure::invalid_event(EXPECTED, &error);
    // Checked once here, and not for each string.
    let text = std::str::from_utf8(bytes).map_err(|_| refused("it is not UTF-8"))?;
    let mut event = Event::read(text).map_err(invalid)?;
    let front = Front::of(&event).map_err(refused)?;
    let headers = headers(&event);
    let body = body(event.body.take(), event.is_base64).map_err(refused)?;
    let method = event.method.as_deref().or(event.context.method.as_deref()).unwrap_or_default();
    let mut request = Request::new(body);
    *request.method_mut() =
        Method::from_bytes(method.as_bytes()).map_err(|_| refused("its method is none of HTTP"))?;
    *request.uri_mut() = uri::uri(&event, front, &headers, stage).map_err(refused)?;
    *request.headers_mut() = headers;
    request.extensions_mut().insert(RequestContext::of(front, &event));
    Ok(Arrived { request, front, can_stream: can_stream(front, &event.context) })
}

fn refused(reason: &str) -> Failure {
    Failure::returned("InvalidEvent".into(), format!("the event is not a {EXPECTED}: {reason}"))
}

/// The headers; `Cookie` is one header, as in HTTP/1.1. One that HTTP does not allow is left out:
/// services pass on what clients send, and no client may fail an invocation.
fn headers(event: &Event) -> HeaderMap {
    let is_filled = |pairs: &&Pairs| !pairs.0.is_empty();
    let pairs = event.multi_headers.as_ref().filter(is_filled).or(event.headers.as_ref());
    let pairs = pairs.map_or(&[][..], |pairs| &pairs.0);
    // The values share one allocation.
    let mut values = String::with_capacity(pairs.iter().map(|(_, value)| value.len()).sum());
    pairs.iter().for_each(|(_, value)| values.push_str(value));
    let mut values = Bytes::from(values);
    let mut headers = HeaderMap::with_capacity(pairs.len() + 1);
    for (name, value) in pairs {
        let value = HeaderValue::from_maybe_shared(values.split_to(value.len()));
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), value) {
            headers.append(name, value);
        }
    }
    let cookies = event.cookies.as_deref().unwrap_or_default();
    if let Some(cookies) = HeaderValue::try_from(cookies.join("; ")).ok()
        && !cookies.is_empty()
    {
        headers.insert(COOKIE, cookies);
    }
    headers
}

fn body(text: Option<Text>, is_base64: bool) -> Result<Body, &'static str> {
    let Some(Text(text)) = text else {
        return Ok(Body::empty());
    };
    if !is_base64 {
        return Ok(Body::from(Bytes::from(text.into_owned())));
    }
    let decoded = BASE64_STANDARD.decode(text.as_bytes());
    decoded
        .map(Body::from)
        .map_err(|_| "its body is not base64, although `isBase64Encoded` is true")
}

/// Function URLs and REST APIs can stream; load balancers, VPC Lattice and HTTP APIs cannot. Events
/// of HTTP APIs are like those of function URLs, but have another domain.
fn can_stream(front: Front, context: &ContextParts) -> bool {
    let domain = context.domain_name.as_deref().unwrap_or_default();
    let is_http_api = || domain.contains(HTTP_APIS);
    match front {
        Front::RestApi => true,
        Front::HttpApi => !is_http_api(),
        Front::HttpApiV1 | Front::LoadBalancer { .. } | Front::Lattice => false,
    }
}
