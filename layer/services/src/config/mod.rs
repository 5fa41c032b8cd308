//! Cached configuration: fetches the values that the bootstrap requests, and tells it when to request
//! them again. The bootstrap holds the values that handlers read.
//!
//! [`source`] defines a source, and each kind has a file of its own; [`refresher`] keeps one value
//! fresh; [`schedule`] computes times; [`disk_cache`] outlives a restart.

mod appconfig;
mod disk_cache;
mod extension;
mod local;
mod parameters;
mod refresher;
pub mod schedule;
mod source;

pub use self::source::Fetched;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;

use self::refresher::Refresher;
use self::source::Context;
use crate::aws::Client;

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
    /// Makes a value the current one; false if it already was. `is_restored`: it was fetched before a
    /// restart.
    fn publish(&self, index: u32, value: &Fetched, is_restored: bool) -> bool;
    /// Ends a fetch. `due_ms`: the time of the next one. `confirmed_ms`: the time at which the source
    /// confirmed the value; None after a failure.
    fn finish(&self, index: u32, due_ms: u64, confirmed_ms: Option<u64>);
    /// Writes a record to the function's log.
    fn log(&self, text: &str);
}

/// Fetches requested values forever. One thread at a time fetches a value, and no value waits for
/// another.
pub fn refresh(store: &'static dyn Store, client: &'static Client) {
    let context: &'static Context = Box::leak(Box::new(Context::new(client)));
    let mut refreshers = HashMap::new();
    loop {
        let request = store.next();
        let index = request.index;
        let refresher = refreshers
            .entry(index)
            .or_insert_with(|| Arc::new(Mutex::new(Refresher::new(request))));
        let refresher = Arc::clone(refresher);
        let work = move || {
            refresher.lock().unwrap_or_else(PoisonError::into_inner).fetch(store, context);
        };
        if thread::Builder::new().name("config".into()).spawn(work).is_err() {
            store.finish(index, schedule::now_ms() + 1000, None);
        }
    }
}
