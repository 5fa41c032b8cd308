//! The bootstrap's store, as the fetching side sees it.

use std::time::Duration;

use super::source::Fetched;

/// A value to fetch.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    /// Identifies the value to the store.
    pub index: u32,
    /// Kind of source: one of `pilotlight_services_abi::config::SOURCES`.
    pub source: &'static str,
    /// Name that handlers read it by.
    pub name: String,
    /// Address within the source: a path, an id or a URL.
    pub target: String,
    /// Time between fetches, if the declaration sets it.
    pub ttl: Option<Duration>,
    /// Whether it was declared as a secret.
    pub is_secret: bool,
}

/// The bootstrap's store: requests values, and takes what was fetched.
pub trait Store: Sync {
    /// Waits until a value is requested.
    fn next(&self) -> FetchRequest;
    /// Makes a value the current one; false if it already was. `is_restored`: it was fetched before
    /// a restart.
    fn publish(&self, index: u32, value: &Fetched, is_restored: bool) -> bool;
    /// Ends a fetch. `due_ms`: the time of the next one. `confirmed_ms`: the time at which the
    /// source confirmed the value; None after a failure.
    fn finish(&self, index: u32, due_ms: u64, confirmed_ms: Option<u64>);
    /// Writes a record to the function's log.
    fn log(&self, text: &str);
}
