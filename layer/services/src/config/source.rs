//! The interface of sources, and helpers that they share.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::time::Duration;

use http::Request;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;

use super::schedule::Retry;
use crate::aws::Client;
use crate::aws::Response;
use crate::aws::Transport;
use crate::variables::Variables;

/// Time-out of a whole fetch: the one of AppConfig's agent.
pub const TIMEOUT: Duration = Duration::from_secs(3);
/// Time-out of the check whether an extension listens on this machine.
const PROBE_TIMEOUT: Duration = Duration::from_millis(200);

/// A value that a source returned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// The bytes, unchanged.
    pub bytes: Vec<u8>,
    /// The content type; empty for none.
    pub content_type: String,
    /// The source's name for this version; empty for none.
    pub version: String,
    /// Time of the fetch, in milliseconds since the Unix epoch.
    pub fetched_ms: u64,
    /// Whether it must be kept out of logs, errors and files.
    pub is_secret: bool,
}

/// Result of a fetch that did not fail.
#[derive(Debug)]
pub struct Outcome {
    /// The value; None if it has not changed.
    pub value: Option<Fetched>,
    /// Time to the next fetch, if the source sets it.
    pub interval: Option<Duration>,
}

impl From<Fetched> for Outcome {
    fn from(value: Fetched) -> Outcome {
        Outcome { value: Some(value), interval: None }
    }
}

/// Failure of a fetch. Its text quotes no value.
#[derive(Debug, PartialEq, Eq)]
pub struct FetchError {
    /// Cause, for the log.
    pub reason: String,
    /// Kind, for the pause before the next attempt.
    pub retry: Retry,
}

impl FetchError {
    /// A failure of [`Retry::Ordinary`].
    pub fn new(reason: impl Into<String>) -> FetchError {
        FetchError { reason: reason.into(), retry: Retry::Ordinary }
    }

    /// A response with an error status. `message` is quoted, up to 200 characters: it must hold no
    /// value.
    pub fn status(status: u16, message: &str) -> FetchError {
        let message: String = message.trim().chars().take(200).collect();
        let between = if message.is_empty() { "" } else { ": " };
        let retry = match status {
            429 => Retry::Throttled,
            _ if message.contains("Throttl") || message.contains("Rate exceeded") => {
                Retry::Throttled
            }
            _ => Retry::Ordinary,
        };
        FetchError { reason: format!("status {status}{between}{message}"), retry }
    }
}

/// A source of one value. It may remember its last answer.
pub trait Source: Send {
    /// Fetches the newest value.
    fn fetch(&mut self, context: &Context) -> Result<Outcome, FetchError>;
    /// Time between fetches, if neither the declaration nor the answer sets it.
    fn interval(&self) -> Duration;
}

/// The means of fetching, which all sources share.
pub struct Context {
    /// Signed calls.
    pub client: &'static Client,
    /// Requests to this machine, which no proxy must see.
    pub local: Transport,
    /// Requests to any host.
    pub remote: Transport,
}

impl Context {
    /// Uses the client's environment.
    pub fn new(client: &'static Client) -> Context {
        Context { client, local: Transport::local(), remote: Transport::new(client.variables()) }
    }

    /// The environment.
    pub fn variables(&self) -> &Variables {
        self.client.variables()
    }

    /// Folder of the function's package.
    pub fn task_root(&self) -> &std::path::Path {
        std::path::Path::new(self.variables().get("LAMBDA_TASK_ROOT").unwrap_or("."))
    }

    /// URL of an extension, if it listens at the port in `variable`, or else at `port`.
    pub fn extension(&self, variable: &str, port: u16) -> Option<String> {
        let port =
            self.variables().get(variable).and_then(|port| port.parse().ok()).unwrap_or(port);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        TcpStream::connect_timeout(&address, PROBE_TIMEOUT).ok()?;
        Some(format!("http://{address}"))
    }
}

/// Sends a `GET` with these headers. Err: no response came.
pub fn get(
    transport: &Transport,
    url: &str,
    headers: &[(&str, &str)],
) -> Result<Response, FetchError> {
    let mut request = Request::get(url);
    for &(name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(&[][..]).map_err(|error| FetchError::new(error.to_string()))?;
    transport.send(&request, TIMEOUT, true).map_err(FetchError::new)
}

/// A header's value, if it is there and text.
pub fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.get(name)?.to_str().ok()
}

/// Percent-encodes a part of a path or query.
pub fn encoded(text: &str) -> String {
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, PLAIN).to_string()
}
