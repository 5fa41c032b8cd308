//! Signatures of requests (Signature Version 4), by AWS's own signer.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request;
use aws_sigv4::http_request::SignableBody;
use aws_sigv4::http_request::SignableRequest;
use aws_sigv4::http_request::SigningSettings;
use aws_sigv4::sign::v4::SigningParams;
use http::Request;

/// Signs a request with all its headers: adds `Authorization` and the headers that it needs.
pub fn sign(
    request: &mut Request<&[u8]>,
    credentials: Credentials,
    region: &str,
    signing_name: &str,
    now: SystemTime,
) -> Result<(), String> {
    let identity = credentials.into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(signing_name)
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?;
    let uri = request.uri().to_string();
    let headers = request.headers().iter().map(|(name, value)| {
        // The headers are this module's, and ASCII.
        (name.as_str(), value.to_str().unwrap_or_default())
    });
    let body = SignableBody::Bytes(request.body());
    let signable = SignableRequest::new(request.method().as_str(), uri, headers, body);
    let signable = signable.map_err(|error| error.to_string())?;
    let output = http_request::sign(signable, &parameters.into());
    let (instructions, _) = output.map_err(|error| error.to_string())?.into_parts();
    instructions.apply_to_request_http1x(request);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use std::time::UNIX_EPOCH;

    const TOKEN: &str = "SESSION/TOKEN+EXAMPLE==";

    /// The signature of a request on 2026-01-02 at 03:04:05.
    fn signature(
        request: http::request::Builder,
        body: &str,
        signing_name: &str,
        token: Option<&str>,
    ) -> String {
        let mut request = request.body(body.as_bytes()).expect("a request");
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let token = token.map(str::to_owned);
        let credentials = Credentials::new("AKIDEXAMPLE", secret, token, None, "test");
        let now = UNIX_EPOCH + Duration::from_secs(1_767_323_045);
        sign(&mut request, credentials, "us-east-1", signing_name, now).expect("signed");
        assert_eq!(request.headers()["x-amz-date"], "20260102T030405Z");
        let authorization = request.headers()["authorization"].to_str().expect("ASCII");
        let (_, signature) = authorization.split_once("Signature=").expect("a signature");
        signature.to_owned()
    }

    // The expected signatures are botocore's.

    #[test]
    fn an_invocation_with_an_encoded_name_and_a_session_token() {
        let path = "/2015-03-31/functions/my-fn%3A%24LATEST/invocations";
        let request = Request::post(format!("https://lambda.us-east-1.amazonaws.com{path}"))
            .header("content-type", "application/json")
            .header("x-amz-invocation-type", "Event")
            .header("x-amz-log-type", "None");
        let body = r#"{"warmer":true,"__WARMER_INVOCATION__":2,"__WARMER_CONCURRENCY__":3,"__WARMER_CORRELATIONID__":"abc"}"#;
        assert_eq!(
            signature(request, body, "lambda", Some(TOKEN)),
            "e8321f372944e9bfd70969bd99fe791d04ae8025362084fb0ba1952870032a7a"
        );
    }

    #[test]
    fn a_service_whose_signing_name_is_not_its_host() {
        let host = "https://appconfigdata.us-east-1.amazonaws.com";
        let request = Request::post(format!("{host}/configurationsessions"))
            .header("content-type", "application/json");
        let body = r#"{"ApplicationIdentifier": "app", "EnvironmentIdentifier": "env", "ConfigurationProfileIdentifier": "prof"}"#;
        assert_eq!(
            signature(request, body, "appconfig", Some(TOKEN)),
            "d26e3acb785ec2b83bf61877ef215d0a31d0fe23b86780e60faa4bc800808bc8"
        );
    }

    #[test]
    fn a_query_with_encoded_characters() {
        let host = "https://appconfigdata.us-east-1.amazonaws.com";
        let query = "configuration_token=AYA%2Bb%2Fc%3D%3D";
        let request = Request::get(format!("{host}/configuration?{query}"));
        assert_eq!(
            signature(request, "", "appconfig", Some(TOKEN)),
            "376d9c679121b1dc5107bfc1db168169c75a76ef314c63abbbee309b73bc8581"
        );
    }

    #[test]
    fn credentials_without_a_token() {
        let path = "/2015-03-31/functions/my-fn/invocations";
        let request = Request::post(format!("https://lambda.us-east-1.amazonaws.com{path}"))
            .header("x-amz-invocation-type", "RequestResponse");
        assert_eq!(
            signature(request, "{}", "lambda", None),
            "61a9341b0baa0550ed9a73c56644967e295d8037a81b4402fe531122828a3a17"
        );
    }
}
