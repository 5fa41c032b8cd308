//! Sources without an AWS service: files of the package, variables, and URLs.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::schedule;
use super::source;
use super::source::Context;
use super::source::FetchError;
use super::source::Fetched;
use super::source::Outcome;
use super::source::Source;
use super::source::header;

/// Time between fetches of files and URLs.
const INTERVAL: Duration = Duration::from_secs(60);

/// A file of the function's package.
pub struct File(pub PathBuf);

/// An environment variable, as it was when the process started.
pub struct Variable(pub String);

/// A URL, and the `ETag` of its last response.
pub struct Url {
    url: String,
    tag: Option<String>,
}

impl Source for File {
    fn fetch(&mut self, _context: &Context) -> Result<Outcome, FetchError> {
        let File(path) = self;
        let failure = |error| FetchError::new(format!("{}: {error}", path.display()));
        let bytes = fs::read(&*path).map_err(failure)?;
        let extension = path.extension().and_then(|extension| extension.to_str());
        let content_type = match extension {
            Some("json") => "application/json",
            Some("toml") => "application/toml",
            Some("yaml" | "yml") => "application/yaml",
            Some("txt") => "text/plain",
            _ => "",
        };
        Ok(Fetched { bytes, content_type: content_type.into(), ..Fetched::default() }.into())
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }
}

impl Source for Variable {
    fn fetch(&mut self, context: &Context) -> Result<Outcome, FetchError> {
        let Variable(name) = self;
        let value = context.variables().get(name);
        let value = value.ok_or_else(|| FetchError::new(format!("{name} is not set")))?;
        Ok(Fetched { bytes: value.into(), ..Fetched::default() }.into())
    }

    /// It never changes.
    fn interval(&self) -> Duration {
        schedule::MAX_INTERVAL
    }
}

impl Url {
    /// A URL that has not been fetched yet.
    pub fn new(url: String) -> Url {
        Url { url, tag: None }
    }

    fn is_local(&self) -> bool {
        let host = self.url.split("//").nth(1).unwrap_or_default();
        ["127.", "localhost:", "localhost/", "[::1]"].iter().any(|local| host.starts_with(local))
    }
}

impl Source for Url {
    fn fetch(&mut self, context: &Context) -> Result<Outcome, FetchError> {
        let transport = if self.is_local() { &context.local } else { &context.remote };
        let tag = self.tag.as_deref().map(|tag| ("if-none-match", tag));
        let response = source::get(transport, &self.url, tag.as_slice())?;
        match response.status {
            304 if self.tag.is_some() => return Ok(Outcome { value: None, interval: None }),
            200 => {}
            status => return Err(FetchError::status(status, "")),
        }
        self.tag = header(&response, "etag").map(str::to_owned);
        let content_type = header(&response, "content-type").unwrap_or_default().to_owned();
        let version = self.tag.clone().unwrap_or_default();
        Ok(Fetched { bytes: response.body, content_type, version, ..Fetched::default() }.into())
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }
}
