//! Credentials: those in the environment, or those that the container's endpoint returns.

use aws_credential_types::Credentials;
use serde_json::Value;

use super::transport::Transport;
use crate::variables::Variables;

/// The current credentials.
pub fn current(variables: &Variables, transport: &Transport) -> Result<Credentials, String> {
    let key = variables.get("AWS_ACCESS_KEY_ID");
    if let (Some(key), Some(secret)) = (key, variables.get("AWS_SECRET_ACCESS_KEY")) {
        let token = variables.get("AWS_SESSION_TOKEN").map(str::to_owned);
        return Ok(Credentials::new(key, secret, token, None, "environment"));
    }
    let Some(url) = variables.get("AWS_CONTAINER_CREDENTIALS_FULL_URI") else {
        return Err("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set; Lambda sets them \
                    from the function's role"
            .into());
    };
    let authorization = variables.get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    let answer = transport.get(url, authorization).map_err(|error| format!("{url}: {error}"))?;
    of_json(&answer).ok_or_else(|| format!("{url}: the answer holds no credentials"))
}

fn of_json(answer: &[u8]) -> Option<Credentials> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let text = |name: &str| answer[name].as_str().map(str::to_owned);
    let (key, secret) = (text("AccessKeyId")?, text("SecretAccessKey")?);
    Some(Credentials::new(key, secret, text("Token"), None, "container"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_a_container_are_read() {
        let answer = br#"{"AccessKeyId":"A","SecretAccessKey":"S","Token":"T","Expiration":"x"}"#;
        let credentials = of_json(answer).expect("credentials");
        assert_eq!(credentials.access_key_id(), "A");
        assert_eq!(credentials.secret_access_key(), "S");
        assert_eq!(credentials.session_token(), Some("T"));
        for other in [&b"{}"[..], b"", br#"{"AccessKeyId":"A"}"#] {
            assert!(of_json(other).is_none());
        }
    }
}
