//! Cached configuration: fetches the values that are wanted, and says when they will be wanted again.
//! What handlers read is kept by the bootstrap.
//!
//! [`source`] says what a source is, and each kind has a file of its own; [`keeper`] keeps one value;
//! [`schedule`] decides on times; [`kept`] is what survives a restart.

mod appconfig;
mod extension;
mod keeper;
mod kept;
mod local;
mod parameters;
pub mod schedule;
mod source;

pub use self::source::Value;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;

use self::keeper::Keeper;
use self::source::Context;
use crate::aws::Client;

/// A value that somebody wants.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Names it to the store.
    pub index: u32,
    /// What its source is: one of `pilotlight_services_abi::config::SOURCES`.
    pub source: &'static str,
    /// Its name.
    pub name: String,
    /// What the source is asked for.
    pub target: String,
    /// How long a fetched value is good for, if its declaration says so.
    pub ttl: Option<Duration>,
    /// Whether it was declared as a secret.
    pub is_secret: bool,
}

/// Where values are read, and who says which are wanted.
pub trait Store: Sync {
    /// Waits until a value is wanted.
    fn next(&self) -> Wanted;
    /// Makes a value the one that is read; false if it was there. `is_kept`: it is from before a restart.
    fn publish(&self, index: u32, value: &Value, is_kept: bool) -> bool;
    /// Ends a fetch: when the value is wanted again, and when its source confirmed it, unless it failed.
    fn finish(&self, index: u32, due_ms: u64, confirmed_ms: Option<u64>);
    /// Writes a record to the function's log.
    fn log(&self, text: &str);
}

/// Fetches what is wanted, each value by one thread at a time and none behind another. Does not return.
pub fn keep(store: &'static dyn Store, client: &'static Client) {
    let context: &'static Context = Box::leak(Box::new(Context::new(client)));
    let mut keepers = HashMap::new();
    loop {
        let wanted = store.next();
        let index = wanted.index;
        let keeper =
            keepers.entry(index).or_insert_with(|| Arc::new(Mutex::new(Keeper::new(wanted))));
        let keeper = Arc::clone(keeper);
        let work = move || {
            keeper.lock().unwrap_or_else(PoisonError::into_inner).fetch(store, context);
        };
        if thread::Builder::new().name("config".into()).spawn(work).is_err() {
            store.finish(index, schedule::now_ms() + 1000, None);
        }
    }
}
