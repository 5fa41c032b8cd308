//! Keeps one value: restores what was kept, asks the source, and decides when to ask again.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::time::Duration;

use super::Store;
use super::Wanted;
use super::kept::Kept;
use super::schedule;
use super::source;
use super::source::Answer;
use super::source::Context;
use super::source::Failure;
use super::source::Source;

/// One value, and what is known of its source.
pub struct Keeper {
    wanted: Wanted,
    source: Box<dyn Source>,
    kept: Kept,
    has_restored: bool,
    failures: u32,
}

impl Keeper {
    /// Of a value that has never been fetched by this process.
    pub fn new(wanted: Wanted, context: &Context) -> Keeper {
        let source = source::of(&wanted, context);
        let kept = Kept::new(&wanted, context.variables());
        Keeper { wanted, source, kept, has_restored: false, failures: 0 }
    }

    /// Fetches it once.
    pub fn fetch(&mut self, store: &dyn Store, context: &Context) {
        if !self.has_restored {
            self.has_restored = true;
            self.restore(store);
        }
        let answer = catch_unwind(AssertUnwindSafe(|| self.source.fetch(context)));
        let answer = answer.unwrap_or_else(|_| Err(Failure::new("a bug in the runtime")));
        match answer {
            Ok(answer) => self.succeed(store, answer),
            Err(failure) => self.fail(store, &failure),
        }
    }

    fn restore(&self, store: &dyn Store) {
        if self.wanted.is_secret {
            return;
        }
        match self.kept.load() {
            Ok(Some(value)) => {
                store.publish(self.wanted.index, &value, true);
            }
            Ok(None) => {}
            Err(reason) => store.log(&format!(
                "configuration `{}`: what was kept in {} is ignored: {reason}",
                self.wanted.name,
                self.kept.path().display()
            )),
        }
    }

    fn succeed(&mut self, store: &dyn Store, answer: Answer) {
        let now = schedule::now_ms();
        let index = self.wanted.index;
        if let Some(mut value) = answer.value {
            value.fetched_ms = now;
            value.is_secret |= self.wanted.is_secret;
            let is_new = store.publish(index, &value, false);
            // Before the fetch ends: a frozen environment may end without a warning.
            if is_new && !value.is_secret {
                self.save(store, &value);
            }
        }
        if self.failures > 0 {
            self.failures = 0;
            store.log(&format!("configuration `{}` is fetched again", self.wanted.name));
        }
        // A source that says when to ask again is not asked sooner.
        let own = self.wanted.ttl.unwrap_or_else(|| self.source.interval());
        let interval = match answer.interval {
            Some(theirs) => self.wanted.ttl.map_or(theirs, |ttl| ttl.max(theirs)),
            None => own,
        };
        store.finish(index, due(now, schedule::jittered(interval)), Some(now));
    }

    fn save(&self, store: &dyn Store, value: &source::Value) {
        if let Err(error) = self.kept.save(value) {
            let (name, path) = (&self.wanted.name, self.kept.path().display().to_string());
            store.log(&format!("configuration `{name}` cannot be kept in {path}: {error}"));
        }
    }

    /// The value that was there stays; the first failure of a row is logged.
    fn fail(&mut self, store: &dyn Store, failure: &Failure) {
        self.failures = self.failures.saturating_add(1);
        if self.failures == 1 {
            let Wanted { name, source, target, .. } = &self.wanted;
            let target = if source.starts_with("http") { "" } else { target };
            let reason = &failure.reason;
            store.log(&format!(
                "configuration `{name}` cannot be fetched from {source}:{target}: {reason}"
            ));
        }
        let pause = schedule::back_off(self.failures, failure.retry);
        store.finish(self.wanted.index, due(schedule::now_ms(), pause), None);
    }
}

fn due(now_ms: u64, pause: Duration) -> u64 {
    now_ms.saturating_add(schedule::milliseconds(pause))
}
