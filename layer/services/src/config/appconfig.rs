//! AWS AppConfig: through its agent if that listens on this machine, else from its data service, so
//! the agent is optional.
//!
//! Sources: "Using AWS AppConfig Agent with AWS Lambda" for the agent; the service model
//! `appconfigdata` for the rest. A token is valid once, within 24 hours; an empty body means that
//! nothing has changed.

use std::time::Duration;

use http::Method;
use serde_json::json;

use super::schedule;
use super::source;
use super::source::Context;
use super::source::FetchError;
use super::source::Fetched;
use super::source::Outcome;
use super::source::Source;
use super::source::TIMEOUT;
use super::source::encoded;
use super::source::header;
use crate::aws::APPCONFIG_DATA;
use crate::aws::Call;
use crate::aws::Response;

/// Time between fetches: the agent's default.
const INTERVAL: Duration = Duration::from_secs(45);
/// Shortest poll interval that a session may ask for, in seconds.
const MIN_POLL_S: u64 = 15;
/// Longest poll interval that a session may ask for, in seconds.
const MAX_POLL_S: u64 = 86_400;
/// Age at which a token is replaced, in milliseconds: a minute before its 24 hours end.
const TOKEN_LIFE_MS: u64 = (24 * 3600 - 60) * 1000;

/// A configuration profile in an environment of an application.
pub struct AppConfig {
    parts: [String; 3],
    ttl: Option<Duration>,
    token: Option<Token>,
    has_value: bool,
}

struct Token {
    text: String,
    since_ms: u64,
}

impl AppConfig {
    /// Parses `application/environment/profile`.
    pub fn new(target: &str, ttl: Option<Duration>) -> AppConfig {
        let mut parts = target.splitn(3, '/').map(str::to_owned);
        let parts = [(); 3].map(|()| parts.next().unwrap_or_default());
        AppConfig { parts, ttl, token: None, has_value: false }
    }

    fn of_agent(&self, context: &Context, agent: &str) -> Result<Outcome, FetchError> {
        let [application, environment, profile] = self.parts.each_ref().map(|part| encoded(part));
        let url = format!(
            "{agent}/applications/{application}/environments/{environment}/configurations/{profile}"
        );
        let response = source::get(&context.local, &url, &[])?;
        if response.status != 200 {
            return Err(failure(&response));
        }
        let names = ["configuration-version", "configurationversion", "version-label"];
        let version = names.iter().find_map(|name| header(&response, name));
        Ok(value(&response, version).into())
    }

    fn start_session(&mut self, context: &Context) -> Result<(), FetchError> {
        let [application, environment, profile] = &self.parts;
        let mut body = json!({
            "ApplicationIdentifier": application,
            "EnvironmentIdentifier": environment,
            "ConfigurationProfileIdentifier": profile,
        });
        if let Some(ttl) = self.ttl.map(|ttl| ttl.as_secs()).filter(|&ttl| ttl >= MIN_POLL_S) {
            body["RequiredMinimumPollIntervalInSeconds"] = ttl.min(MAX_POLL_S).into();
        }
        let headers = [("content-type", "application/json")];
        let body = body.to_string();
        let call = Call {
            service: &APPCONFIG_DATA,
            method: Method::POST,
            path: "/configurationsessions",
            headers: &headers,
            body: body.as_bytes(),
            timeout: TIMEOUT,
            is_idempotent: true,
        };
        let response = context.client.call(&call).map_err(FetchError::new)?;
        if response.status != 201 {
            return Err(failure(&response));
        }
        let answer: serde_json::Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let token = answer["InitialConfigurationToken"].as_str();
        let token = token
            .ok_or_else(|| FetchError::new("the service started a session without a token"))?;
        self.token = Some(Token { text: token.to_owned(), since_ms: schedule::now_ms() });
        Ok(())
    }

    fn latest(&mut self, context: &Context) -> Result<Response, FetchError> {
        let now = schedule::now_ms();
        // If the clock went back, the token's age is unknown.
        let is_good =
            |token: &&Token| token.since_ms <= now && now - token.since_ms < TOKEN_LIFE_MS;
        if self.token.as_ref().filter(is_good).is_none() {
            self.start_session(context)?;
        }
        let token = self.token.as_ref().map_or("", |token| &token.text);
        let path = format!("/configuration?configuration_token={}", encoded(token));
        let call = Call {
            service: &APPCONFIG_DATA,
            method: Method::GET,
            path: &path,
            headers: &[],
            body: b"",
            timeout: TIMEOUT,
            is_idempotent: true,
        };
        context.client.call(&call).map_err(FetchError::new)
    }

    fn of_service(&mut self, context: &Context) -> Result<Outcome, FetchError> {
        let mut response = self.latest(context)?;
        if response.status == 400 && self.token.take().is_some() {
            // The token was used, expired or became invalid: start a new session.
            response = self.latest(context)?;
        }
        if response.status != 200 {
            return Err(failure(&response));
        }
        let next = header(&response, "next-poll-configuration-token");
        self.token = next.map(|text| Token { text: text.to_owned(), since_ms: schedule::now_ms() });
        let seconds = header(&response, "next-poll-interval-in-seconds");
        let seconds = seconds.and_then(|seconds| seconds.parse().ok());
        let interval = seconds.filter(|&seconds| seconds > 0).map(Duration::from_secs);
        if response.body.is_empty() && !self.has_value {
            return Err(FetchError::new("no configuration is deployed"));
        }
        let is_new = !response.body.is_empty();
        self.has_value |= is_new;
        let value = is_new.then(|| value(&response, header(&response, "version-label")));
        Ok(Outcome { value, interval })
    }
}

impl Source for AppConfig {
    fn fetch(&mut self, context: &Context) -> Result<Outcome, FetchError> {
        match context.extension("AWS_APPCONFIG_EXTENSION_HTTP_PORT", 2772) {
            Some(agent) => self.of_agent(context, &agent),
            None => self.of_service(context),
        }
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }
}

fn value(response: &Response, version: Option<&str>) -> Fetched {
    Fetched {
        bytes: response.body.clone(),
        content_type: header(response, "content-type").unwrap_or_default().to_owned(),
        version: version.unwrap_or_default().to_owned(),
        ..Fetched::default()
    }
}

/// The service describes errors in JSON, the agent in plain text. Neither quotes a configuration.
fn failure(response: &Response) -> FetchError {
    let text = String::from_utf8_lossy(&response.body);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let message = json["Message"].as_str().or_else(|| json["message"].as_str());
    let kind = header(response, "x-amzn-errortype").unwrap_or_default();
    let kind = kind.split(':').next().unwrap_or_default();
    let message = message.map_or_else(|| text.to_string(), |message| format!("{kind} {message}"));
    FetchError::status(response.status, &message)
}
