//! The AWS Parameters and Secrets extension.
//!
//! Sources: "Using Parameter Store parameters in Lambda functions" and "Use Secrets Manager secrets
//! in Lambda functions"; the answers have the shapes of the SDK that the extension is written with.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use serde_json::json;

use super::Reply;
use super::Request;
use super::SESSION_TOKEN;
use super::serve;

#[derive(Debug, Default)]
pub struct State {
    /// By name: type, value, version.
    pub parameters: HashMap<String, (String, String, u64)>,
    /// By id: value, version.
    pub secrets: HashMap<String, (String, String)>,
    /// Number of requests that come before the first invocation.
    pub not_ready: usize,
    pub asked: usize,
}

pub struct Extension {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

impl Extension {
    pub fn start() -> Extension {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let port = serve(move |request| answer(&mut shared.lock().expect("unharmed"), request));
        Extension { port, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("unharmed")
    }
}

fn answer(state: &mut State, request: &Request) -> Reply {
    state.asked += 1;
    let text = |status, words: &str| Reply::new(status, "text/plain; charset=utf-8", words);
    if state.not_ready > 0 {
        state.not_ready -= 1;
        return text(400, "not ready to serve traffic, please wait");
    }
    if request.header("x-aws-parameters-secrets-token") != SESSION_TOKEN {
        return text(401, "error validating the token");
    }
    // The extension reports every failure of the services with these words.
    let failed = text(400, "an unexpected error occurred while executing request");
    let path = request.path();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["systemsmanager", "parameters", "get", ..] => {
            let name = request.query("name").unwrap_or_default();
            let decrypts = request.query("withDecryption").as_deref() == Some("true");
            let Some((kind, value, version)) = state.parameters.get(&name) else {
                return failed;
            };
            let is_hidden = kind == "SecureString" && !decrypts;
            let value =
                if is_hidden { format!("kms:alias/aws/ssm:{value}") } else { value.clone() };
            let body = json!({
                "Parameter": {
                    "ARN": format!("arn:aws:ssm:us-east-1:123456789012:parameter{name}"),
                    "DataType": "text",
                    "LastModifiedDate": "2026-01-02T03:04:05.678Z",
                    "Name": name,
                    "Selector": null,
                    "SourceResult": null,
                    "Type": kind,
                    "Value": value,
                    "Version": version,
                },
                "ResultMetadata": {},
            });
            Reply::new(200, "application/json", body.to_string())
        }
        ["secretsmanager", "get"] => {
            let id = request.query("secretId").unwrap_or_default();
            let Some((value, version)) = state.secrets.get(&id) else {
                return failed;
            };
            let body = json!({
                "ARN": format!("arn:aws:secretsmanager:us-east-1:123456789012:secret:{id}-AbCdEf"),
                "CreatedDate": "2026-01-02T03:04:05.678Z",
                "Name": id,
                "SecretBinary": null,
                "SecretString": value,
                "VersionId": version,
                "VersionStages": ["AWSCURRENT"],
                "ResultMetadata": {},
            });
            Reply::new(200, "application/json", body.to_string())
        }
        _ => text(404, "404 page not found"),
    }
}
