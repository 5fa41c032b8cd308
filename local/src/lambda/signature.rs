//! Signatures of clients, version 4, checked as the service checks them.
//!
//! Source: "Create a signed AWS API request" in the IAM user guide.

use hmac::Hmac;
use hmac::KeyInit as _;
use hmac::Mac as _;
use sha2::Digest as _;
use sha2::Sha256;
use time::OffsetDateTime;
use time::PrimitiveDateTime;
use time::macros::format_description;

use crate::http::Head;
use crate::http::percent_decode;

use super::Refusal;

/// How far a client's clock may be off.
const MOST_SKEW: time::Duration = time::Duration::minutes(5);

/// What a client signs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The access key's id.
    pub key: String,
    /// The secret access key.
    pub secret: String,
}

/// An `Authorization` header's parts.
struct Authorization<'a> {
    key: &'a str,
    /// `YYYYMMDD/region/service/aws4_request`.
    scope: &'a str,
    signed: Vec<&'a str>,
    signature: &'a str,
}

/// Checks a request's signature.
pub fn check(head: &Head, body: &[u8], credentials: &Credentials) -> Result<(), Refusal> {
    check_at(head, body, credentials, OffsetDateTime::now_utc())
}

fn check_at(
    head: &Head,
    body: &[u8],
    credentials: &Credentials,
    now: OffsetDateTime,
) -> Result<(), Refusal> {
    let refuse = |kind, words: &str| Err(Refusal::new(403, kind, words));
    let Some(header) = head.header("authorization") else {
        return refuse("MissingAuthenticationTokenException", "Missing Authentication Token");
    };
    let incomplete = "IncompleteSignatureException";
    let Some(authorization) = parse(header) else {
        return refuse(
            incomplete,
            "Authorization header is not AWS4-HMAC-SHA256 with a Credential, \
                                   SignedHeaders and a Signature.",
        );
    };
    if authorization.key != credentials.key {
        let words = "The security token included in the request is invalid.";
        return refuse("UnrecognizedClientException", words);
    }
    let date = head.header("x-amz-date").unwrap_or_default();
    let form = format_description!("[year][month][day]T[hour][minute][second]Z");
    let Ok(signed_at) = PrimitiveDateTime::parse(date, form) else {
        return refuse(incomplete, "X-Amz-Date is missing or not of the form YYYYMMDDTHHMMSSZ.");
    };
    let invalid = "InvalidSignatureException";
    if (now - signed_at.assume_utc()).abs() > MOST_SKEW {
        return refuse(
            invalid,
            "Signature expired, or made in the future: the clocks differ by more \
                                than 5 minutes.",
        );
    }
    let covered = |name: &str| authorization.signed.contains(&name);
    let amz = |name: &str| name.to_ascii_lowercase().starts_with("x-amz-");
    let uncovered =
        head.headers.iter().find(|(name, _)| amz(name) && !covered(&name.to_ascii_lowercase()));
    if uncovered.is_some() || !covered("host") {
        return refuse(invalid, "Host and every X-Amz- header must be signed.");
    }
    let canonical = canonical_request(head, body, &authorization.signed);
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{date}\n{}\n{}",
        authorization.scope,
        hex(&Sha256::digest(canonical))
    );
    let mut key = format!("AWS4{}", credentials.secret).into_bytes();
    for part in authorization.scope.split('/') {
        key = mac(&key, part.as_bytes()).finalize().into_bytes().to_vec();
    }
    // The comparison takes as long whatever differs.
    match mac(&key, to_sign.as_bytes()).verify_slice(&unhex(authorization.signature)) {
        Ok(()) => Ok(()),
        Err(_) => refuse(
            invalid,
            "The request signature we calculated does not match the signature you provided. Check \
             your AWS Secret Access Key and signing method. Consult the service documentation for \
             details.",
        ),
    }
}

fn parse(header: &str) -> Option<Authorization<'_>> {
    let parts = header.strip_prefix("AWS4-HMAC-SHA256")?;
    let part = |name: &str| {
        parts.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
    };
    let (key, scope) = part("Credential")?.split_once('/')?;
    let signed = part("SignedHeaders")?.split(';').collect();
    Some(Authorization { key, scope, signed, signature: part("Signature")? })
}

fn canonical_request(head: &Head, body: &[u8], signed: &[&str]) -> String {
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
    // Segments are encoded once more than they are on the wire, by every service but S3.
    let path: Vec<String> = head.path().split('/').map(encode).collect();
    let mut canonical = format!("{}\n{}\n{}\n", head.method, path.join("/"), query.join("&"));
    for name in signed {
        let of = |known: &str| known.eq_ignore_ascii_case(name);
        let values = head.headers.iter().filter(|(known, _)| of(known));
        let values = values.map(|(_, value)| {
            let value = String::from_utf8_lossy(value);
            value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
        });
        canonical.push_str(&format!("{name}:{}\n", values.collect::<Vec<_>>().join(",")));
    }
    canonical.push_str(&format!("\n{}\n{}", signed.join(";"), hex(&Sha256::digest(body))));
    canonical
}

/// Percent-encodes all but what RFC 3986 leaves alone.
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

fn mac(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
    mac.update(message);
    mac
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of a signature; of what is none, nothing.
fn unhex(text: &str) -> Vec<u8> {
    let digits: Option<Vec<u8>> = text
        .as_bytes()
        .chunks(2)
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok())
        .collect();
    digits.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// What botocore signs, with the key of AWS's examples.
    fn request(target: &str, more: &[(&str, &str)], signed: &str, signature: &str) -> Head {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/lambda/aws4_request, \
             SignedHeaders={signed}, Signature={signature}"
        );
        let mut headers = vec![
            ("Host", "lambda.us-east-1.amazonaws.com"),
            ("X-Amz-Date", "20260102T030405Z"),
            ("Authorization", authorization.as_str()),
        ];
        headers.extend(more);
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.as_bytes().to_vec());
        Head {
            received: Instant::now(),
            method: "POST".to_owned(),
            target: target.to_owned(),
            is_1_1: true,
            headers: headers.into_iter().map(owned).collect(),
        }
    }

    fn checked(head: &Head, body: &str, secret: &str, minutes: i64) -> bool {
        let now =
            time::macros::datetime!(2026-01-02 03:04:05 UTC) + time::Duration::minutes(minutes);
        let credentials = Credentials { key: "AKIDEXAMPLE".into(), secret: secret.into() };
        check_at(head, body.as_bytes(), &credentials, now).is_ok()
    }

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    #[test]
    fn botocores_signatures_hold_and_nothing_else_does() {
        let plain = request(
            "/2015-03-31/functions/my-fn/invocations",
            &[("X-Amz-Invocation-Type", "RequestResponse")],
            "host;x-amz-date;x-amz-invocation-type",
            "61a9341b0baa0550ed9a73c56644967e295d8037a81b4402fe531122828a3a17",
        );
        assert!(checked(&plain, "{}", SECRET, 0));
        assert!(checked(&plain, "{}", SECRET, 4));
        assert!(!checked(&plain, "{}", SECRET, 6));
        assert!(!checked(&plain, "[]", SECRET, 0));
        assert!(!checked(&plain, "{}", "another", 0));
        let mut another_path = plain.clone();
        another_path.target = "/2015-03-31/functions/another/invocations".to_owned();
        assert!(!checked(&another_path, "{}", SECRET, 0));
        let mut unsigned = plain;
        unsigned.headers.push(("X-Amz-Log-Type".to_owned(), b"Tail".to_vec()));
        assert!(!checked(&unsigned, "{}", SECRET, 0));
    }

    #[test]
    fn an_encoded_name_and_a_session_token_are_signed_too() {
        let head = request(
            "/2015-03-31/functions/my-fn%3A%24LATEST/invocations",
            &[
                ("X-Amz-Security-Token", "SESSION/TOKEN+EXAMPLE=="),
                ("Content-Type", "application/json"),
                ("X-Amz-Invocation-Type", "Event"),
                ("X-Amz-Log-Type", "None"),
            ],
            "content-type;host;x-amz-date;x-amz-invocation-type;x-amz-log-type;x-amz-security-token",
            "e8321f372944e9bfd70969bd99fe791d04ae8025362084fb0ba1952870032a7a",
        );
        let body = "{\"warmer\":true,\"__WARMER_INVOCATION__\":2,\"__WARMER_CONCURRENCY__\":3,\
                    \"__WARMER_CORRELATIONID__\":\"abc\"}";
        assert!(checked(&head, body, SECRET, 0));
    }
}
