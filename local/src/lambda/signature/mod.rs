//! Clients' signatures, version 4, checked as the service checks them.
//!
//! Source: "Create a signed AWS API request" in the IAM user guide.

mod canonical;

use hmac::Hmac;
use hmac::Mac as _;
use sha2::Digest as _;
use sha2::Sha256;
use time::OffsetDateTime;
use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use self::canonical::canonical_request;
use self::canonical::hex;
use super::ServiceError;
use super::head::Head;
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

fn mac(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
    mac.update(message);
    mac
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
mod tests;
