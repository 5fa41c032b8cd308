//! The URI of a request: absolute if the host is known, with the query string as it was sent.

use std::fmt::Write as _;

use http::HeaderMap;
use http::Uri;
use http::header::HOST;

use super::event::Event;
use super::front::Front;
use super::json::Pairs;
use super::json::Text;
use super::settings::Stage;

/// The URI of a request, or the reason why there is none.
pub fn uri(
    event: &Event,
    front: Front,
    headers: &HeaderMap,
    stage: Stage,
) -> Result<Uri, &'static str> {
    let length = |text: &Option<Text>| text.as_deref().map_or(0, str::len);
    let mut target = String::with_capacity(length(&event.path) + length(&event.raw_query) + 2);
    push_path(&mut target, path(event, stage));
    push_query(&mut target, event, front);
    let domain_name = event.context.domain_name.as_deref().map(str::as_bytes);
    let hosts = [headers.get(HOST).map(|host| host.as_bytes()), domain_name];
    let mut authorities = hosts.into_iter().flatten().filter_map(authority);
    let scheme = scheme(headers);
    let absolute = |authority| Uri::try_from([scheme, "://", authority, &target].concat()).ok();
    authorities
        .find_map(absolute)
        .map_or_else(|| Uri::try_from(&*target), Ok)
        .map_err(|_| "its path and query are longer than the 65,534 bytes that a URI may have")
}

/// The path that the handler sees: without the stage, or as the client sent it.
fn path<'e>(event: &'e Event, stage: Stage) -> &'e str {
    let path = event.path.as_deref().unwrap_or_default();
    let sent = event.context.path.as_deref().unwrap_or(path);
    match (stage, event.context.stage.as_deref()) {
        (Stage::Keep, _) => sent,
        // A REST API has removed the stage already where both differ.
        (Stage::Strip, Some(name)) if sent == path => without_stage(path, name),
        (Stage::Strip, _) => path,
    }
}

/// The path after its first segment, if that is the stage. `$default` is in no path.
fn without_stage<'e>(path: &'e str, stage: &str) -> &'e str {
    let named = Some(stage).filter(|stage| *stage != "$default");
    let rest = named.and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage));
    rest.filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or(path)
}

/// Appends a path. An HTTP API has decoded it, so whatever a path cannot contain is encoded again.
fn push_path(target: &mut String, path: &str) {
    if !path.starts_with('/') {
        target.push('/');
    }
    for (index, byte) in path.bytes().enumerate() {
        let is_escape = || {
            let digits = path.as_bytes().get(index + 1..index + 3).unwrap_or_default();
            digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit)
        };
        match byte {
            b'%' if is_escape() => target.push('%'),
            b'%' | b'?' => push_escape(target, byte),
            byte => push_sent(target, byte),
        }
    }
}

/// Appends `?` and the query string, unless that is empty.
fn push_query(target: &mut String, event: &Event, front: Front) {
    if let Some(raw) = &event.raw_query {
        if !raw.is_empty() {
            target.push('?');
            raw.bytes().for_each(|byte| push_sent(target, byte));
        }
        return;
    }
    // Multiple values include the single ones.
    let is_filled = |pairs: &&Pairs| !pairs.0.is_empty();
    let pairs = event.multi_query.as_ref().filter(is_filled).or(event.query.as_ref());
    let push = match front {
        Front::RestApi | Front::HttpApiV1 | Front::HttpApi => push_encoded,
        // Only these pass names and values on as they were sent.
        Front::LoadBalancer { .. } | Front::Lattice => push_sent,
    };
    let mut separator = '?';
    for (name, value) in pairs.iter().flat_map(|pairs| &pairs.0) {
        target.push(std::mem::replace(&mut separator, '&'));
        name.bytes().for_each(|byte| push(target, byte));
        target.push('=');
        value.bytes().for_each(|byte| push(target, byte));
    }
}

/// Appends a byte of a decoded name or value.
fn push_encoded(target: &mut String, byte: u8) {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            target.push(char::from(byte));
        }
        byte => push_escape(target, byte),
    }
}

/// Appends a byte as it was sent, unless no URI contains it.
fn push_sent(target: &mut String, byte: u8) {
    match byte {
        b'"' | b'#' | b'<' | b'>' | b'`' | b'{' | b'}' => push_escape(target, byte),
        b'!'..=b'~' => target.push(char::from(byte)),
        byte => push_escape(target, byte),
    }
}

fn push_escape(target: &mut String, byte: u8) {
    write!(target, "%{byte:02X}").expect("a String takes any text");
}

/// The host, if it can be the authority of a URI: it must not contain more than host and port.
fn authority(host: &[u8]) -> Option<&str> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(byte);
    let host = std::str::from_utf8(host).ok()?;
    (!host.is_empty() && host.as_bytes().iter().all(is_part)).then_some(host)
}

/// The scheme that the client used. All of the services but load balancers and VPC Lattice have
/// HTTPS alone, and load balancers name the scheme.
fn scheme(headers: &HeaderMap) -> &'static str {
    let forwarded = headers.get("x-forwarded-proto").map(|scheme| scheme.as_bytes());
    if forwarded.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"http")) {
        "http"
    } else {
        "https"
    }
}
