//! Clients' signatures, version 4, checked as the service checks them.
//!
//! Source: "Create a signed AWS API request" in the IAM user guide.

use hmac::Hmac;
use hmac::KeyInit as _;
use hmac::Mac as _;
use sha2::Digest as _;
use sha2::Sha256;
use time::OffsetDateTime;
use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::ServiceError;
use super::head::Head;
use super::head::percent_decode;
use crate::function;

/// Limit for the difference between a client's clock and this machine's.
const MAX_SKEW: time::Duration = time::Duration::minutes(5);
/// The service that clients sign for.
const SERVICE: &str = "lambda";
/// The last part of a scope of signature version 4.
const TERMINATOR: &str = "aws4_request";
/// The format of `X-Amz-Date`.
const DATE: &[BorrowedFormatItem] =
    format_description!("[year][month][day]T[hour][minute][second]Z");

/// An access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The access key's id.
    pub key: String,
    /// The secret access key.
    pub secret: String,
}

/// The parts of an `Authorization` header.
struct Authorization<'a> {
    key: &'a str,
    /// `YYYYMMDD/region/service/aws4_request`.
    scope: &'a str,
    signed: Vec<&'a str>,
    signature: &'a str,
}

/// Checks a request's signature.
pub fn check(head: &Head, body: &[u8], credentials: &Credentials) -> Result<(), ServiceError> {
    check_at(head, body, credentials, &function::region(), OffsetDateTime::now_utc())
}

fn check_at(
    head: &Head,
    body: &[u8],
    credentials: &Credentials,
    region: &str,
    now: OffsetDateTime,
) -> Result<(), ServiceError> {
    let Some(header) = head.header("authorization") else {
        let message = "Missing Authentication Token";
        return Err(ServiceError::new(403, "MissingAuthenticationTokenException", message));
    };
    let Some(authorization) = parse(header) else {
        let message = "Authorization header is not AWS4-HMAC-SHA256 with a Credential, SignedHeaders \
                     and a Signature.";
        return Err(ServiceError::new(403, "IncompleteSignatureException", message));
    };
    if authorization.key != credentials.key {
        let message = "The security token included in the request is invalid.";
        return Err(ServiceError::new(403, "UnrecognizedClientException", message));
    }
    let date = head.header("x-amz-date").unwrap_or_default();
    check_date(date, now)?;
    check_scope(authorization.scope, date, region)?;
    let covered = |name: &str| authorization.signed.contains(&name);
    let mut names = head.parts.headers.keys().map(|name| name.as_str());
    if names.any(|name| name.starts_with("x-amz-") && !covered(name)) || !covered("host") {
        return Err(invalid("Host and every X-Amz- header must be signed."));
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
    // The comparison takes constant time.
    let verified = mac(&key, to_sign.as_bytes()).verify_slice(&unhex(authorization.signature));
    verified.map_err(|_| {
        invalid(
            "The request signature we calculated does not match the signature you provided. Check \
             your AWS Secret Access Key and signing method. Consult the service documentation for \
             details.",
        )
    })
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new(403, "InvalidSignatureException", message)
}

/// Checks `X-Amz-Date` against the clock. The messages are AWS's.
fn check_date(date: &str, now: OffsetDateTime) -> Result<(), ServiceError> {
    let Ok(signed) = PrimitiveDateTime::parse(date, DATE) else {
        let message = "X-Amz-Date is missing or not of the form YYYYMMDDTHHMMSSZ.";
        return Err(ServiceError::new(403, "IncompleteSignatureException", message));
    };
    let text = |time: OffsetDateTime| time.format(DATE).unwrap_or_default();
    let (oldest, newest) = (now - MAX_SKEW, now + MAX_SKEW);
    if signed.assume_utc() < oldest {
        let (oldest, now) = (text(oldest), text(now));
        let message =
            format!("Signature expired: {date} is now earlier than {oldest} ({now} - 5 min.)");
        return Err(invalid(message));
    }
    if signed.assume_utc() > newest {
        let (newest, now) = (text(newest), text(now));
        let message = format!(
            "Signature not yet current: {date} is still later than {newest} ({now} + 5 min.)"
        );
        return Err(invalid(message));
    }
    Ok(())
}

/// Checks the scope of a signature: `YYYYMMDD/region/service/aws4_request`. The messages are AWS's.
fn check_scope(scope: &str, date: &str, region: &str) -> Result<(), ServiceError> {
    let parts: Vec<&str> = scope.split('/').collect();
    let [day, signed_region, service, terminator] = parts[..] else {
        return Err(invalid(
            "Credential should be scoped as YYYYMMDD/region/service/aws4_request.",
        ));
    };
    let of_date = date.split('T').next().unwrap_or_default();
    if day != of_date {
        return Err(invalid(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from \
             HTTP: '{day}' != '{of_date}', from '{date}'."
        )));
    }
    if signed_region != region {
        return Err(invalid(format!(
            "Credential should be scoped to a valid region, not '{signed_region}'. This server is in \
             {region}, as AWS_REGION was when it started."
        )));
    }
    if service != SERVICE {
        let message = format!("Credential should be scoped to correct service: '{SERVICE}'.");
        return Err(invalid(message));
    }
    if terminator != TERMINATOR {
        return Err(invalid(format!(
            "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'."
        )));
    }
    Ok(())
}

/// Compares two secrets in constant time.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    mac(other, b"").verify_slice(&mac(one, b"").finalize().into_bytes()).is_ok()
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

fn mac(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
    mac.update(message);
    mac
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Decodes hexadecimal digits; empty if the text is anything else.
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
    use std::net::Ipv4Addr;
    use std::time::Instant;

    use hyper::Request;
    use time::macros::datetime;

    use super::*;

    /// A request with a signature made with the key of AWS's examples.
    fn request(target: &str, scope: &str, more: &[(&str, &str)], signed: &str, by: &str) -> Head {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={signed}, Signature={by}"
        );
        let mut request = Request::post(target)
            .header("Host", "lambda.us-east-1.amazonaws.com")
            .header("X-Amz-Date", "20260102T030405Z")
            .header("Authorization", authorization);
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        let parts = request.body(()).expect("a request").into_parts().0;
        Head { parts, received: Instant::now(), client: Ipv4Addr::LOCALHOST.into() }
    }

    fn message(head: &Head, body: &str, secret: &str, minutes: i64) -> Option<String> {
        let now = datetime!(2026-01-02 03:04:05 UTC) + time::Duration::minutes(minutes);
        let credentials = Credentials { key: "AKIDEXAMPLE".into(), secret: secret.into() };
        let checked = check_at(head, body.as_bytes(), &credentials, "us-east-1", now);
        checked.err().map(|error| error.message().to_owned())
    }

    fn checked(head: &Head, body: &str, secret: &str, minutes: i64) -> bool {
        message(head, body, secret, minutes).is_none()
    }

    const SCOPE: &str = "20260102/us-east-1/lambda/aws4_request";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    #[test]
    fn botocores_signatures_hold_and_nothing_else_does() {
        let plain = request(
            "/2015-03-31/functions/my-fn/invocations",
            SCOPE,
            &[("X-Amz-Invocation-Type", "RequestResponse")],
            "host;x-amz-date;x-amz-invocation-type",
            "61a9341b0baa0550ed9a73c56644967e295d8037a81b4402fe531122828a3a17",
        );
        assert!(checked(&plain, "{}", SECRET, 0));
        assert!(checked(&plain, "{}", SECRET, 4));
        assert!(!checked(&plain, "{}", SECRET, 6));
        assert!(!checked(&plain, "[]", SECRET, 0));
        assert!(!checked(&plain, "{}", "another", 0));
        let mut another = plain;
        another.parts.headers.insert("x-amz-log-type", "Tail".parse().expect("a value"));
        assert!(!checked(&another, "{}", SECRET, 0));
        another.parts.headers.remove("x-amz-log-type");
        assert!(checked(&another, "{}", SECRET, 0));
        another.parts.uri = "/2015-03-31/functions/another/invocations".parse().expect("a path");
        assert!(!checked(&another, "{}", SECRET, 0));
    }

    #[test]
    fn an_encoded_name_and_a_session_token_are_signed_too() {
        let head = request(
            "/2015-03-31/functions/my-fn%3A%24LATEST/invocations",
            SCOPE,
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

    #[test]
    fn a_signature_is_good_for_its_day_region_and_service_only() {
        let refusal = |scope: &str| {
            let head = request("/", scope, &[], "host;x-amz-date", "00");
            message(&head, "{}", SECRET, 0).expect("refused")
        };
        for (scope, message) in [
            ("20010101/us-east-1/lambda/aws4_request", "'20010101' != '20260102'"),
            ("20260102/mars-1/lambda/aws4_request", "a valid region, not 'mars-1'"),
            ("20260102/us-east-1/s3/aws4_request", "correct service: 'lambda'"),
            ("20260102/us-east-1/lambda/aws5", "valid terminator: 'aws4_request', not 'aws5'"),
            ("20260102/us-east-1/lambda", "should be scoped as YYYYMMDD/region"),
            (SCOPE, "The request signature we calculated does not match"),
        ] {
            assert!(refusal(scope).contains(message), "{}", refusal(scope));
        }
        let head = request("/", SCOPE, &[], "host;x-amz-date", "00");
        let late = message(&head, "{}", SECRET, 6).expect("refused");
        assert!(late.contains("expired: 20260102T030405Z is now earlier than 20260102T030505Z"));
        let early = message(&head, "{}", SECRET, -6).expect("refused");
        assert!(early.contains("is still later than 20260102T030305Z"), "{early}");
    }
}
