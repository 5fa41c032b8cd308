//! Parameters of Systems Manager and secrets of Secrets Manager: through the Parameters and Secrets
//! extension if that listens on this machine, else from the services.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use serde_json::Value as Json;
use serde_json::json;

use super::extension;
use super::source::Context;
use super::source::FetchError;
use super::source::Fetched;
use super::source::Outcome;
use super::source::Source;
use super::source::TIMEOUT;
use super::source::encoded;
use crate::aws::Call;
use crate::aws::SECRETS_MANAGER;
use crate::aws::SSM;
use crate::aws::Service;

/// Time between fetches: the extension's default cache time.
const INTERVAL: Duration = Duration::from_secs(300);

/// A parameter, by name or ARN, optionally with `:version` or `:label`.
pub struct Parameter(pub String);

/// A secret, by name or ARN.
pub struct Secret(pub String);

impl Source for Parameter {
    fn fetch(&mut self, context: &Context) -> Result<Outcome, FetchError> {
        let path =
            format!("/systemsmanager/parameters/get?name={}&withDecryption=true", encoded(&self.0));
        let answer = extension::get(context, &path).unwrap_or_else(|| {
            let body = json!({ "Name": self.0, "WithDecryption": true });
            call(context, &SSM, "AmazonSSM.GetParameter", &body)
        })?;
        let parameter = &answer["Parameter"];
        let text = parameter["Value"].as_str();
        Ok(Fetched {
            bytes: text.ok_or_else(|| FetchError::new("the answer holds no value"))?.into(),
            version: parameter["Version"].as_u64().unwrap_or_default().to_string(),
            is_secret: parameter["Type"] == "SecureString",
            ..Fetched::default()
        }
        .into())
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }
}

impl Source for Secret {
    fn fetch(&mut self, context: &Context) -> Result<Outcome, FetchError> {
        let path = format!("/secretsmanager/get?secretId={}", encoded(&self.0));
        let answer = extension::get(context, &path).unwrap_or_else(|| {
            let body = json!({ "SecretId": self.0 });
            call(context, &SECRETS_MANAGER, "secretsmanager.GetSecretValue", &body)
        })?;
        let text = answer["SecretString"].as_str().map(|text| text.as_bytes().to_vec());
        let binary = || BASE64_STANDARD.decode(answer["SecretBinary"].as_str()?).ok();
        let bytes = text.or_else(binary);
        Ok(Fetched {
            bytes: bytes.ok_or_else(|| FetchError::new("the answer holds no secret"))?,
            version: answer["VersionId"].as_str().unwrap_or_default().to_owned(),
            is_secret: true,
            ..Fetched::default()
        }
        .into())
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }
}

/// Calls a service with the JSON protocol.
fn call(
    context: &Context,
    service: &Service,
    target: &str,
    body: &Json,
) -> Result<Json, FetchError> {
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
    let body = body.to_string();
    let call = Call {
        service,
        method: Method::POST,
        path: "/",
        headers: &headers,
        body: body.as_bytes(),
        timeout: TIMEOUT,
        is_idempotent: true,
    };
    let response = context.client.call(&call).map_err(FetchError::new)?;
    let answer: Json = serde_json::from_slice(&response.body).unwrap_or_default();
    if response.status == 200 {
        return Ok(answer);
    }
    // Report only the error's type: its message might quote a value.
    let kind = answer["__type"].as_str().unwrap_or_default();
    Err(FetchError::status(response.status, kind.rsplit('#').next().unwrap_or_default()))
}
