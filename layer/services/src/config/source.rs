//! What a source is: something that can be asked for the newest value.

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

/// A fetch as a whole takes no longer, as AppConfig's own agent has it.
pub const TIMEOUT: Duration = Duration::from_secs(3);
/// To know whether an extension listens on this machine.
const PROBE_TIMEOUT: Duration = Duration::from_millis(200);

/// A value of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// The bytes, as the source has them.
    pub bytes: Vec<u8>,
    /// Their content type; empty for none.
    pub content_type: String,
    /// What the source calls this version; empty for nothing.
    pub version: String,
    /// When it was fetched: milliseconds since the Unix epoch.
    pub fetched_ms: u64,
    /// Whether it must not reach a log, an error or a file.
    pub is_secret: bool,
}

/// What a source answered.
#[derive(Debug)]
pub struct Outcome {
    /// The value; None for the same as last time.
    pub value: Option<Fetched>,
    /// For how long the source does not want to be asked again, if it says so.
    pub interval: Option<Duration>,
}

impl From<Fetched> for Outcome {
    fn from(value: Fetched) -> Outcome {
        Outcome { value: Some(value), interval: None }
    }
}

/// Why a source gave no answer. The words hold nothing of a value.
#[derive(Debug, PartialEq, Eq)]
pub struct FetchError {
    /// What went wrong.
    pub reason: String,
    /// When it may be tried again.
    pub retry: Retry,
}

impl FetchError {
    /// An ordinary one.
    pub fn new(reason: impl Into<String>) -> FetchError {
        FetchError { reason: reason.into(), retry: Retry::Ordinary }
    }

    /// An answer with a status that is no success. `words` may be quoted.
    pub fn status(status: u16, words: &str) -> FetchError {
        let words: String = words.trim().chars().take(200).collect();
        let between = if words.is_empty() { "" } else { ": " };
        let retry = match status {
            429 => Retry::Throttled,
            _ if words.contains("Throttl") || words.contains("Rate exceeded") => Retry::Throttled,
            _ => Retry::Ordinary,
        };
        FetchError { reason: format!("status {status}{between}{words}"), retry }
    }
}

/// Something that can be asked for the newest value. It may remember what it answered last.
pub trait Source: Send {
    /// Asks for the value.
    fn fetch(&mut self, context: &Context) -> Result<Outcome, FetchError>;
    /// How long a value is good for when nobody says.
    fn interval(&self) -> Duration;
}

/// What sources fetch with.
pub struct Context {
    /// Signed calls.
    pub client: &'static Client,
    /// Requests to this machine, which no proxy must see.
    pub local: Transport,
    /// Requests to wherever a URL leads.
    pub remote: Transport,
}

impl Context {
    /// With the client's environment.
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

    /// The URL of an extension, if it listens: at the port of this variable, or else at that one.
    pub fn extension(&self, variable: &str, port: u16) -> Option<String> {
        let port =
            self.variables().get(variable).and_then(|port| port.parse().ok()).unwrap_or(port);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        TcpStream::connect_timeout(&address, PROBE_TIMEOUT).ok()?;
        Some(format!("http://{address}"))
    }
}

/// A `GET` with these headers; Err is no answer at all.
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

/// A part of a path or query, encoded.
pub fn encoded(text: &str) -> String {
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, PLAIN).to_string()
}
