//! Checks the signature (SigV4) of a request, as AWS's services do.

use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use aws_credential_types::Credentials;
use aws_sigv4::http_request;
use aws_sigv4::http_request::SignableBody;
use aws_sigv4::http_request::SignableRequest;
use aws_sigv4::http_request::SigningSettings;
use aws_sigv4::sign::v4::SigningParams;

use super::Reply;
use super::Request;

pub const ACCESS_KEY: &str = "AKIDEXAMPLE";
pub const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
pub const SESSION_TOKEN: &str = "SESSION/TOKEN+EXAMPLE==";

/// Err is what the service answers to a signature that is wrong.
pub fn check(request: &Request, service: &str) -> Result<(), Reply> {
    let authorization = request.header("authorization");
    let refused = |kind: &str| {
        Err(Reply::new(403, "application/json", format!("{{\"message\":\"{kind}\"}}"))
            .with("x-amzn-ErrorType", kind))
    };
    let part = |name: &str| {
        let (_, after) = authorization.split_once(name)?;
        after.split([',', ' ']).next()
    };
    let (Some(scope), Some(signed), Some(signature)) =
        (part("Credential="), part("SignedHeaders="), part("Signature="))
    else {
        return refused("MissingAuthenticationTokenException");
    };
    let scope: Vec<&str> = scope.split('/').collect();
    if scope.first() != Some(&ACCESS_KEY) || request.header("x-amz-security-token") != SESSION_TOKEN
    {
        return refused("UnrecognizedClientException");
    }
    let expected = sign(request, scope.get(2).unwrap_or(&""), service, signed);
    if scope.get(3) != Some(&service) || expected != signature {
        return refused("InvalidSignatureException");
    }
    Ok(())
}

fn sign(request: &Request, region: &str, service: &str, signed: &str) -> String {
    // The signer adds these itself.
    let own = ["x-amz-date", "x-amz-security-token"];
    let headers = signed.split(';').filter(|name| !own.contains(name));
    let headers: Vec<_> = headers.map(|name| (name, request.header(name))).collect();
    let token = Some(SESSION_TOKEN.to_owned());
    let identity = Credentials::new(ACCESS_KEY, SECRET_KEY, token, None, "test").into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(time(request.header("x-amz-date")))
        .settings(SigningSettings::default())
        .build()
        .expect("parameters");
    let uri = format!("http://{}{}", request.header("host"), request.target);
    let body = SignableBody::Bytes(&request.body);
    let signable = SignableRequest::new(&request.method, uri, headers.into_iter(), body);
    let output = http_request::sign(signable.expect("a request"), &parameters.into());
    output.expect("signed").into_parts().1
}

/// `20260102T030405Z`.
fn time(text: &str) -> SystemTime {
    let number = |from: usize, to: usize| -> u64 {
        text.get(from..to).and_then(|digits| digits.parse().ok()).unwrap_or(0)
    };
    let (year, month, day) = (number(0, 4), number(4, 6), number(6, 8));
    // Days since 1970, by counting.
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut days: u64 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    let lengths = [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    days += lengths.iter().take(usize::try_from(month).unwrap_or(1).saturating_sub(1)).sum::<u64>();
    days += day.saturating_sub(1);
    let seconds = number(9, 11) * 3600 + number(11, 13) * 60 + number(13, 15);
    UNIX_EPOCH + Duration::from_secs(days * 86_400 + seconds)
}
