//! HTTP requests with a time-out, sent once more on a new connection where a second arrival does no
//! harm.

use std::fs;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use http::HeaderMap;
use http::Method;
use http::Request;
use ureq::Agent;
use ureq::tls::PemItem;
use ureq::tls::RootCerts;
use ureq::tls::TlsConfig;

use crate::variables::Variables;

const USER_AGENT: &str = concat!("pilotlight-services/", env!("CARGO_PKG_VERSION"));

/// Time-out of connecting; far longer than a service takes within its region.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Time-out of a local endpoint for credentials.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(2);
/// Largest response body, in bytes. Lambda's responses are at most 6 MB.
const MAX_BODY_SIZE: u64 = 16 << 20;
/// Idle connections that stay open. Each holds about 40 KB, and closes after seconds of disuse.
const MAX_IDLE_CONNECTIONS: usize = 4;

/// A response, whatever its status.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// Sends requests unchanged, over connections that stay open.
#[derive(Debug)]
pub struct Transport {
    agent: Agent,
    tls: TlsConfig,
    /// Error from reading the roots that `AWS_CA_BUNDLE` names; every request fails with it.
    bad_roots: Option<String>,
    uses_proxy: bool,
}

impl Transport {
    /// Uses the environment's certificates and proxies.
    pub fn new(variables: &Variables) -> Transport {
        let (roots, bad_roots) = match variables.get("AWS_CA_BUNDLE").map(read_roots) {
            None => (RootCerts::WebPki, None),
            Some(Ok(roots)) => (roots, None),
            Some(Err(error)) => (RootCerts::WebPki, Some(error)),
        };
        let tls = TlsConfig::builder().root_certs(roots).build();
        Transport {
            agent: agent(&tls, MAX_IDLE_CONNECTIONS, true),
            tls,
            bad_roots,
            uses_proxy: true,
        }
    }

    /// For requests to this machine, which use no proxy.
    pub fn local() -> Transport {
        let tls = TlsConfig::default();
        Transport {
            agent: agent(&tls, MAX_IDLE_CONNECTIONS, false),
            tls,
            bad_roots: None,
            uses_proxy: false,
        }
    }

    /// Sends a `GET` to a local endpoint, and returns the body of a 200.
    pub fn get(&self, url: &str, authorization: Option<&str>) -> Result<Vec<u8>, String> {
        let mut request = Request::get(url);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let request = request.body(&[][..]).map_err(|error| error.to_string())?;
        // The endpoint is on this machine: no proxy reaches it.
        let local = agent(&self.tls, 0, false);
        match attempt(&local, &request, CREDENTIALS_TIMEOUT).map_err(|error| error.to_string())? {
            Response { status: 200, body, .. } => Ok(body),
            Response { status, .. } => Err(format!("status {status}")),
        }
    }

    /// Sends a request. A connection that stayed open over a freeze may be dead, so an idempotent
    /// request that fails without a response is sent once more, on a new connection.
    pub fn send(
        &self,
        request: &Request<&[u8]>,
        timeout: Duration,
        is_idempotent: bool,
    ) -> Result<Response, String> {
        if let Some(error) = &self.bad_roots {
            return Err(error.clone());
        }
        let started = Instant::now();
        let result = match attempt(&self.agent, request, timeout) {
            Err(ureq::Error::Io(_) | ureq::Error::Protocol(_)) if is_idempotent => {
                let left = timeout.saturating_sub(started.elapsed());
                attempt(&agent(&self.tls, 0, self.uses_proxy), request, left)
            }
            result => result,
        };
        result.map_err(|error| error.to_string())
    }
}

/// `uses_proxy`: whether to use the environment's proxy, if any.
fn agent(tls: &TlsConfig, max_idle_connections: usize, uses_proxy: bool) -> Agent {
    let mut config = Agent::config_builder()
        .tls_config(tls.clone())
        .user_agent(USER_AGENT)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_idle_connections(max_idle_connections)
        .max_idle_connections_per_host(max_idle_connections)
        .timeout_connect(Some(CONNECT_TIMEOUT));
    if !uses_proxy {
        config = config.proxy(None);
    }
    config.build().new_agent()
}

fn attempt(
    agent: &Agent,
    request: &Request<&[u8]>,
    timeout: Duration,
) -> Result<Response, ureq::Error> {
    if timeout.is_zero() {
        return Err(ureq::Error::Timeout(ureq::Timeout::Global));
    }
    let mut answer = if matches!(*request.method(), Method::GET) {
        let request = request.clone().map(|_| ());
        agent.run(agent.configure_request(request).timeout_global(Some(timeout)).build())?
    } else {
        let request = request.clone();
        agent.run(agent.configure_request(request).timeout_global(Some(timeout)).build())?
    };
    let body = answer.body_mut().with_config().limit(MAX_BODY_SIZE).read_to_vec()?;
    Ok(Response { status: answer.status().as_u16(), headers: answer.headers().clone(), body })
}

fn read_roots(path: &str) -> Result<RootCerts, String> {
    let describe = |error: &dyn std::fmt::Display| format!("AWS_CA_BUNDLE: {path}: {error}");
    let bytes = fs::read(path).map_err(|error| describe(&error))?;
    let mut roots = Vec::new();
    for item in ureq::tls::parse_pem(&bytes) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| describe(&error))? {
            roots.push(certificate);
        }
    }
    if roots.is_empty() {
        return Err(describe(&"the file holds no certificate"));
    }
    Ok(RootCerts::Specific(Arc::new(roots)))
}
