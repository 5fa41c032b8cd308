//! Cached configuration: fetches the values that the bootstrap requests, and tells it when to
//! request them again. The bootstrap holds the values that handlers read.
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
mod store;

pub use self::source::Fetched;
pub use self::store::FetchRequest;
pub use self::store::Store;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;

use self::appconfig::AppConfig;
use self::parameters::Parameter;
use self::parameters::Secret;
use self::refresher::Refresher;
use self::source::Context;
use self::source::Source;
use crate::aws::Client;

/// Fetches requested values forever. One thread at a time fetches a value, and no value waits for
/// another.
pub fn refresh(store: &'static dyn Store, client: &'static Client) {
    let context: &'static Context = Box::leak(Box::new(Context::new(client)));
    let mut refreshers = HashMap::new();
    loop {
        let request = store.next();
        let index = request.index;
        let refresher = refreshers.entry(index).or_insert_with(|| {
            let source = source_of(&request, context);
            Arc::new(Mutex::new(Refresher::new(request, source)))
        });
        let refresher = Arc::clone(refresher);
        let work = move || {
            refresher.lock().unwrap_or_else(PoisonError::into_inner).fetch(store, context);
        };
        if thread::Builder::new().name("config".into()).spawn(work).is_err() {
            store.finish(index, schedule::now_ms() + 1000, None);
        }
    }
}

/// The source that a request names.
fn source_of(request: &FetchRequest, context: &Context) -> Box<dyn Source> {
    let target = request.target.clone();
    match request.source {
        "appconfig" => Box::new(AppConfig::new(&target, request.ttl)),
        "ssm" => Box::new(Parameter(target)),
        "secret" => Box::new(Secret(target)),
        "file" => Box::new(local::File(context.task_root().join(target))),
        "env" => Box::new(local::Variable(target)),
        _ => Box::new(local::Url::new(target)),
    }
}
