//! AWS AppConfig: its data service (sessions, tokens, empty answers for what has not changed) and
//! its agent, over one state.
//!
//! Sources: the service model `appconfigdata`, and "Using AWS AppConfig Agent with AWS Lambda".

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use super::Reply;
use super::Request;
use super::serve;
use super::signature;

/// Deployed versions, sessions, and failures to come.
#[derive(Debug, Default)]
pub struct State {
    /// By `application/environment/profile`: content, content type, version.
    deployed: HashMap<String, (Vec<u8>, String, u64)>,
    tokens: HashMap<String, Token>,
    /// Given in place of the next answers, whatever is asked.
    pub faults: VecDeque<Reply>,
    /// `Next-Poll-Interval-In-Seconds`; tokens that come sooner are refused, by the clock.
    pub poll_interval_s: u64,
    /// Number of sessions that were started.
    pub sessions: usize,
    /// `RequiredMinimumPollIntervalInSeconds` of the last one.
    pub minimum_s: Option<u64>,
    /// Number of requests for a configuration.
    pub asked: usize,
}

#[derive(Debug)]
struct Token {
    profile: String,
    /// The version that its holder has.
    seen: u64,
    not_before: Instant,
    is_used: bool,
    is_expired: bool,
}

/// Both servers.
pub struct AppConfig {
    pub agent: u16,
    pub service: u16,
    state: Arc<Mutex<State>>,
}

impl AppConfig {
    pub fn start() -> AppConfig {
        let state = Arc::new(Mutex::new(State::default()));
        let of = |answer: fn(&mut State, &Request) -> Reply| {
            let state = Arc::clone(&state);
            serve(move |request| {
                let mut state = state.lock().expect("unharmed");
                state.faults.pop_front().unwrap_or_else(|| answer(&mut state, request))
            })
        };
        let (agent, service) = (of(of_agent), of(of_service));
        AppConfig { agent, service, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("unharmed")
    }

    /// Deploys a new version.
    pub fn deploy(&self, profile: &str, content_type: &str, content: impl Into<Vec<u8>>) {
        let mut state = self.state();
        let version = state.deployed.get(profile).map_or(1, |(_, _, version)| version + 1);
        state.deployed.insert(profile.into(), (content.into(), content_type.into(), version));
    }

    /// All tokens are older than 24 hours.
    pub fn expire_tokens(&self) {
        self.state().tokens.values_mut().for_each(|token| token.is_expired = true);
    }

    /// The next requests, to either server, are answered so.
    pub fn fail_next(&self, times: usize, reply: &Reply) {
        self.state().faults.extend(std::iter::repeat_n(reply.clone(), times));
    }
}

fn error(status: u16, kind: &str, body: &Value) -> Reply {
    Reply::new(status, "application/json", body.to_string()).with("x-amzn-ErrorType", kind)
}

/// The service's answer to too many requests.
pub fn throttled() -> Reply {
    error(429, "ThrottlingException", &json!({ "Message": "Rate exceeded" }))
}

/// The service's answer when it fails.
pub fn internal() -> Reply {
    error(500, "InternalServerException", &json!({ "Message": "An internal failure occurred." }))
}

/// The service's answer for a resource of this kind that does not exist.
pub fn not_found(kind: &str) -> Reply {
    let message = format!("{kind} not found");
    let body = json!({ "Message": message, "ResourceType": kind, "ReferencedBy": {} });
    error(404, "ResourceNotFoundException", &body)
}

/// The service's answer to a token that has this problem.
pub fn bad_token(problem: &str) -> Reply {
    let problems = json!({ "ConfigurationToken": { "Problem": problem } });
    let body = json!({
        "Message": "Request parameters are invalid",
        "Reason": "InvalidParameters",
        "Details": { "InvalidParameters": problems },
    });
    error(400, "BadRequestException", &body)
}

fn of_service(state: &mut State, request: &Request) -> Reply {
    if let Err(refused) = signature::check(request, "appconfig") {
        return refused;
    }
    match (request.method.as_str(), request.path().first().map(String::as_str)) {
        ("POST", Some("configurationsessions")) => start_session(state, request),
        ("GET", Some("configuration")) => latest(state, request),
        _ => error(404, "UnknownOperationException", &json!({})),
    }
}

fn start_session(state: &mut State, request: &Request) -> Reply {
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    let part = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let profile = [
        part("ApplicationIdentifier"),
        part("EnvironmentIdentifier"),
        part("ConfigurationProfileIdentifier"),
    ]
    .join("/");
    if !state.deployed.contains_key(&profile) {
        return not_found("ConfigurationProfile");
    }
    state.sessions += 1;
    state.minimum_s = body["RequiredMinimumPollIntervalInSeconds"].as_u64();
    let token = issue(state, profile, 0, Instant::now());
    let body = json!({ "InitialConfigurationToken": token });
    Reply::new(201, "application/json", body.to_string())
}

/// Tokens have characters that a query must encode.
fn issue(state: &mut State, profile: String, seen: u64, not_before: Instant) -> String {
    let token = format!("AYA+{}/==", state.tokens.len());
    let issued = Token { profile, seen, not_before, is_used: false, is_expired: false };
    state.tokens.insert(token.clone(), issued);
    token
}

fn latest(state: &mut State, request: &Request) -> Reply {
    let asked = request.query("configuration_token").unwrap_or_default();
    let Some(token) = state.tokens.get_mut(&asked) else {
        return bad_token("Corrupted");
    };
    if token.is_expired || token.is_used {
        return bad_token("Expired");
    }
    if Instant::now() < token.not_before {
        return bad_token("PollIntervalNotSatisfied");
    }
    token.is_used = true;
    let (profile, seen) = (token.profile.clone(), token.seen);
    let Some((content, content_type, version)) = state.deployed.get(&profile).cloned() else {
        return not_found("Deployment");
    };
    state.asked += 1;
    let interval = Duration::from_secs(state.poll_interval_s);
    let next = issue(state, profile, version, Instant::now() + interval);
    // The version that the holder of the token has is neither sent again nor described.
    let reply = if seen == version {
        Reply::new(200, "application/octet-stream", b"".to_vec())
    } else {
        Reply::new(200, &content_type, content).with("Version-Label", format!("v{version}"))
    };
    reply
        .with("Next-Poll-Configuration-Token", next)
        .with("Next-Poll-Interval-In-Seconds", state.poll_interval_s)
}

fn of_agent(state: &mut State, request: &Request) -> Reply {
    let path = request.path();
    let text = |status, words: &str| Reply::new(status, "application/text", words);
    let [a, application, e, environment, c, profile] = path.as_slice() else {
        return text(400, "invalid path");
    };
    if [a.as_str(), e.as_str(), c.as_str()] != ["applications", "environments", "configurations"] {
        return text(400, "invalid path");
    }
    let Some((content, content_type, version)) =
        state.deployed.get(&format!("{application}/{environment}/{profile}")).cloned()
    else {
        return text(404, "ResourceNotFoundException: configuration not found");
    };
    state.asked += 1;
    Reply::new(200, &content_type, content).with("Configuration-Version", version)
}
