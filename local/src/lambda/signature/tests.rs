//! Signatures that botocore made, and requests that differ from what was signed.

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
