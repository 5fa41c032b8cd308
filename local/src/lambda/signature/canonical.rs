//! The canonical form of a request, over which its signature is computed.

use sha2::Digest as _;
use sha2::Sha256;

use crate::lambda::head::Head;
use crate::lambda::head::percent_decode;

/// The canonical request; `signed` are the names of the headers that it covers.
pub fn canonical_request(head: &Head, body: &[u8], signed: &[&str]) -> String {
    let mut query: Vec<(String, String)> = head
        .query()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encode(&percent_decode(name)), encode(&percent_decode(value)))
        })
        .collect();
    query.sort();
    let query: Vec<String> =
        query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    // Every service but S3 encodes the segments once more than they are on the wire.
    let path: Vec<String> = head.path().split('/').map(encode).collect();
    let mut canonical = format!("{}\n{}\n{}\n", head.method(), path.join("/"), query.join("&"));
    for name in signed {
        let values = head.parts.headers.get_all(*name).iter().map(|value| {
            let value = String::from_utf8_lossy(value.as_bytes());
            value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
        });
        canonical.push_str(&format!("{name}:{}\n", values.collect::<Vec<_>>().join(",")));
    }
    canonical.push_str(&format!("\n{}\n{}", signed.join(";"), hex(&Sha256::digest(body))));
    canonical
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Hexadecimal digits, in lower case.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
