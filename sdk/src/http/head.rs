//! The head of a response as JSON: status, headers and cookies, in the form of a service.

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::StatusCode;
use http::header::SET_COOKIE;

use super::Front;

/// Appends the head, from `{` up to the members of the body, which are not part of it.
pub fn write(json: &mut Vec<u8>, front: Front, status: StatusCode, headers: &HeaderMap) {
    json.extend_from_slice(b"{\"statusCode\":");
    json.extend_from_slice(status.as_str().as_bytes());
    match front {
        Front::RestApi | Front::HttpApiV1 => lists(json, headers),
        Front::HttpApi => {
            texts(json, headers, false);
            cookies(json, headers);
        }
        Front::LoadBalancer { multi_value: true } => {
            description(json, status);
            lists(json, headers);
        }
        Front::LoadBalancer { multi_value: false } | Front::Lattice => {
            description(json, status);
            texts(json, headers, true);
        }
    }
}

fn description(json: &mut Vec<u8>, status: StatusCode) {
    let reason = status.canonical_reason().unwrap_or("Unknown");
    json.extend_from_slice(b",\"statusDescription\":");
    string(json, format!("{} {reason}", status.as_str()).as_bytes());
}

/// `multiValueHeaders`: a list of values for each name.
fn lists(json: &mut Vec<u8>, headers: &HeaderMap) {
    json.extend_from_slice(b",\"multiValueHeaders\":{");
    let mut separator = "";
    for name in headers.keys() {
        key(json, &mut separator, name.as_str().as_bytes());
        list(json, headers, name);
    }
    json.push(b'}');
}

/// `headers`: one text for each name. A cookie cannot be joined with another: either the cookies
/// are left out, or the names differ in upper and lower case.
fn texts(json: &mut Vec<u8>, headers: &HeaderMap, with_cookies: bool) {
    json.extend_from_slice(b",\"headers\":{");
    let mut separator = "";
    for name in headers.keys().filter(|name| *name != SET_COOKIE) {
        key(json, &mut separator, name.as_str().as_bytes());
        let values: Vec<&[u8]> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        match values[..] {
            [value] => string(json, value),
            _ => string(json, &values.join(&b", "[..])),
        }
    }
    let cookies = headers.get_all(SET_COOKIE).iter().filter(|_| with_cookies);
    for (index, cookie) in cookies.enumerate() {
        key(json, &mut separator, &cased(SET_COOKIE.as_str(), index));
        string(json, cookie.as_bytes());
    }
    json.push(b'}');
}

/// `cookies`: the values of `Set-Cookie`. cargo-lambda requires the list, also if it is empty.
fn cookies(json: &mut Vec<u8>, headers: &HeaderMap) {
    json.extend_from_slice(b",\"cookies\":");
    list(json, headers, &SET_COOKIE);
}

fn list(json: &mut Vec<u8>, headers: &HeaderMap, name: &HeaderName) {
    json.push(b'[');
    for (index, value) in headers.get_all(name).iter().enumerate() {
        json.extend_from_slice(if index == 0 { b"" } else { b"," });
        string(json, value.as_bytes());
    }
    json.push(b']');
}

/// Appends a key. Names of headers contain no character that JSON escapes.
fn key(json: &mut Vec<u8>, separator: &mut &str, name: &[u8]) {
    json.extend_from_slice(separator.as_bytes());
    *separator = ",";
    json.push(b'"');
    json.extend_from_slice(name);
    json.extend_from_slice(b"\":");
}

/// Appends a JSON string. Bytes that are not UTF-8 are taken as ISO 8859-1, HTTP's old encoding.
fn string(json: &mut Vec<u8>, bytes: &[u8]) {
    let written = match std::str::from_utf8(bytes) {
        Ok(text) => serde_json::to_writer(json, text),
        Err(_) => serde_json::to_writer(
            json,
            &bytes.iter().map(|&byte| char::from(byte)).collect::<String>(),
        ),
    };
    written.expect("a Vec takes any text");
}

/// The name with those letters in upper case whose bits are set in `number`.
fn cased(name: &str, number: usize) -> Vec<u8> {
    let mut bits = number;
    let mut letter = |byte: u8| {
        let is_upper = byte.is_ascii_alphabetic() && bits & 1 == 1;
        bits >>= u32::from(byte.is_ascii_alphabetic());
        if is_upper { byte.to_ascii_uppercase() } else { byte }
    };
    name.bytes().map(&mut letter).collect()
}
