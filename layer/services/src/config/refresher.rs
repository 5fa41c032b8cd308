//! Keeps one value fresh: restores it from the disk cache, fetches it, and schedules the next
//! fetch.

use std::time::Duration;

use super::disk_cache::DiskCache;
use super::schedule;
use super::source::Context;
use super::source::FetchError;
use super::source::Fetched;
use super::source::Source;
use super::store::FetchRequest;
use super::store::Store;
use crate::bug;
use crate::variables::Variables;

/// Sources that are not cached: a new process reads them as fast as a cache file.
const LOCAL: [&str; 2] = ["env", "file"];

/// Fetches one value.
pub struct Refresher {
    request: FetchRequest,
    source: Box<dyn Source>,
    /// Whether the first fetch has read the disk cache.
    is_started: bool,
    /// None for secrets, for local sources, and before the first fetch.
    disk_cache: Option<DiskCache>,
    /// Failures since the last success.
    failures: u32,
}

impl Refresher {
    /// For a value that this process has not fetched yet.
    pub fn new(request: FetchRequest, source: Box<dyn Source>) -> Refresher {
        Refresher { request, source, is_started: false, disk_cache: None, failures: 0 }
    }

    /// Fetches once, and reports the end to the store even after a panic.
    pub fn fetch(&mut self, store: &dyn Store, context: &Context) {
        let fetched = bug::catch(|| self.fetch_once(store, context));
        match fetched.unwrap_or_else(|bug| Err(FetchError::new(bug))) {
            Ok((interval, now)) => self.succeed(store, interval, now),
            Err(failure) => self.fail(store, &failure),
        }
    }

    /// Publishes what the source returns. Returns the time to the next fetch, and the time of this
    /// one.
    fn fetch_once(
        &mut self,
        store: &dyn Store,
        context: &Context,
    ) -> Result<(Duration, u64), FetchError> {
        if !self.is_started {
            self.restore(store, context.variables());
            self.is_started = true;
        }
        let answer = self.source.fetch(context)?;
        let now = schedule::now_ms();
        let own = self.request.ttl.unwrap_or_else(|| self.source.interval());
        if let Some(mut value) = answer.value {
            value.fetched_ms = now;
            value.is_secret |= self.request.is_secret;
            // Save before publishing: a frozen environment may end without a warning.
            self.save(store, &value);
            store.publish(self.request.index, &value, false);
        }
        // If the source sets an interval, never fetch sooner.
        let interval = match answer.interval {
            Some(theirs) => self.request.ttl.map_or(theirs, |ttl| ttl.max(theirs)),
            None => own,
        };
        Ok((interval, now))
    }

    fn restore(&mut self, store: &dyn Store, variables: &Variables) {
        if self.request.is_secret || LOCAL.contains(&self.request.source) {
            return;
        }
        let disk_cache = self.disk_cache.insert(DiskCache::new(&self.request, variables));
        match disk_cache.load() {
            Ok(Some(value)) => {
                store.publish(self.request.index, &value, true);
            }
            Ok(None) => {}
            Err(reason) => store.log(&format!(
                "configuration `{}`: the cache file {} is ignored: {reason}",
                self.request.name,
                disk_cache.path().display()
            )),
        }
    }

    fn save(&mut self, store: &dyn Store, value: &Fetched) {
        let Some(disk_cache) = self.disk_cache.as_mut().filter(|_| !value.is_secret) else {
            return;
        };
        if let Err(error) = disk_cache.save(value) {
            let (name, path) = (&self.request.name, disk_cache.path().display());
            store.log(&format!("configuration `{name}` cannot be cached in {path}: {error}"));
        }
    }

    fn succeed(&mut self, store: &dyn Store, interval: Duration, now: u64) {
        if self.failures > 0 {
            self.failures = 0;
            store.log(&format!("configuration `{}` is fetched again", self.request.name));
        }
        store.finish(self.request.index, due(now, schedule::jittered(interval)), Some(now));
    }

    /// Keeps the current value. Logs only the first of consecutive failures.
    fn fail(&mut self, store: &dyn Store, failure: &FetchError) {
        self.failures = self.failures.saturating_add(1);
        if self.failures == 1 {
            let FetchRequest { name, source, target, .. } = &self.request;
            let target = if source.starts_with("http") { "" } else { target };
            let reason = &failure.reason;
            store.log(&format!(
                "configuration `{name}` cannot be fetched from {source}:{target}: {reason}"
            ));
        }
        let pause = schedule::back_off(self.failures, failure.retry);
        store.finish(self.request.index, due(schedule::now_ms(), pause), None);
    }
}

fn due(now_ms: u64, pause: Duration) -> u64 {
    now_ms.saturating_add(schedule::milliseconds(pause))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Mutex;
    use std::sync::PoisonError;

    use super::super::local;
    use super::super::source::Outcome;
    use super::*;
    use crate::aws::Client;

    /// A source with scripted answers; None panics.
    struct Script(Vec<Option<Outcome>>);

    impl Source for Script {
        fn fetch(&mut self, _context: &Context) -> Result<Outcome, FetchError> {
            Ok(self.0.remove(0).expect("an answer"))
        }

        fn interval(&self) -> Duration {
            Duration::from_secs(60)
        }
    }

    /// A store that records calls.
    #[derive(Default)]
    struct Recorder {
        /// The calls, in order.
        events: Mutex<Vec<String>>,
        folder: Option<tempfile::TempDir>,
    }

    impl Recorder {
        fn record(&self, event: String) {
            self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        }

        fn take(&self) -> Vec<String> {
            std::mem::take(&mut self.events.lock().unwrap_or_else(PoisonError::into_inner))
        }

        fn files(&self) -> usize {
            let folder = self.folder.as_ref().expect("a folder").path().join("pilotlight-config");
            std::fs::read_dir(folder).map_or(0, Iterator::count)
        }
    }

    impl Store for Recorder {
        fn next(&self) -> FetchRequest {
            unreachable!("the test fetches by itself")
        }

        fn publish(&self, _index: u32, value: &Fetched, is_restored: bool) -> bool {
            let text = String::from_utf8_lossy(&value.bytes);
            let files = self.files();
            self.record(format!("publish {text}, restored: {is_restored}, files: {files}"));
            true
        }

        fn finish(&self, _index: u32, due_ms: u64, confirmed_ms: Option<u64>) {
            let days = due_ms.saturating_sub(schedule::now_ms()) / 86_400_000;
            self.record(format!("finish, confirmed: {}, days: {days}", confirmed_ms.is_some()));
        }

        fn log(&self, text: &str) {
            self.record(format!("log {text}"));
        }
    }

    fn recorder() -> (Recorder, Context) {
        let folder = tempfile::tempdir().expect("a folder");
        let variables = Variables::from_iter([
            ("TMPDIR", folder.path().to_str().expect("UTF-8")),
            ("A", "of A"),
        ]);
        let client: &'static Client = Box::leak(Box::new(Client::new(variables)));
        (Recorder { folder: Some(folder), ..Recorder::default() }, Context::new(client))
    }

    fn refresher(kind: &'static str, source: Box<dyn Source>) -> Refresher {
        let request = FetchRequest {
            index: 0,
            source: kind,
            name: "limit".into(),
            target: "/limit".into(),
            ttl: None,
            is_secret: false,
        };
        Refresher::new(request, source)
    }

    /// A refresher with this source, and with a disk cache.
    fn scripted(answers: Vec<Option<Outcome>>, calls: &Recorder, context: &Context) -> Refresher {
        let mut refresher = refresher("ssm", Box::new(Script(answers)));
        refresher.restore(calls, context.variables());
        refresher.is_started = true;
        refresher
    }

    fn answer(text: &str, interval: Option<Duration>) -> Option<Outcome> {
        let value = Fetched { bytes: text.into(), ..Fetched::default() };
        Some(Outcome { value: Some(value), interval })
    }

    #[test]
    fn a_value_is_cached_before_it_is_published() {
        let (calls, context) = recorder();
        let answers = vec![answer("one", None), answer("one", None)];
        let mut refresher = scripted(answers, &calls, &context);
        refresher.fetch(&calls, &context);
        let events = calls.take();
        assert_eq!(events[0], "publish one, restored: false, files: 1");
        assert_eq!(events[1..], ["finish, confirmed: true, days: 0"]);
        // The same value is not written again.
        let file = refresher.disk_cache.as_ref().expect("a file").path().to_path_buf();
        std::fs::write(&file, "changed").expect("written");
        refresher.fetch(&calls, &context);
        assert_eq!(std::fs::read(&file).expect("readable"), b"changed");
    }

    #[test]
    fn an_endless_interval_is_cut() {
        let (calls, context) = recorder();
        let answers = vec![answer("one", Some(Duration::from_secs(u64::MAX)))];
        scripted(answers, &calls, &context).fetch(&calls, &context);
        let finish = calls.take().pop().expect("an end");
        let days = finish.rsplit(' ').next().and_then(|days| days.parse().ok());
        assert!(days.is_some_and(|days: u64| (364..=402).contains(&days)), "{finish}");
    }

    #[test]
    fn a_panic_is_one_line_in_the_log_and_the_next_fetch_goes_on() {
        let (calls, context) = recorder();
        let mut refresher = scripted(vec![None, None, answer("one", None)], &calls, &context);
        refresher.fetch(&calls, &context);
        let events = calls.take();
        assert!(events[0].contains("cannot be fetched from ssm:/limit: a bug"), "{events:?}");
        assert_eq!(events[1..], ["finish, confirmed: false, days: 0"]);
        refresher.fetch(&calls, &context);
        assert_eq!(calls.take(), ["finish, confirmed: false, days: 0"]);
        refresher.fetch(&calls, &context);
        let events = calls.take();
        assert_eq!(events.len(), 3, "{events:?}");
        assert!(events[0].starts_with("publish one") && events[1].ends_with("is fetched again"));
    }

    #[test]
    fn local_sources_are_not_cached() {
        let (calls, context) = recorder();
        let file = Path::new(file!()).file_name().expect("a name");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config").join(file);
        let sources: [(_, Box<dyn Source>); 2] =
            [("env", Box::new(local::Variable("A".into()))), ("file", Box::new(local::File(file)))];
        for (kind, source) in sources {
            refresher(kind, source).fetch(&calls, &context);
            let events = calls.take();
            assert!(events[0].starts_with("publish "), "{events:?}");
            assert_eq!(
                events.last().map(String::as_str).map(|end| &end[..23]),
                Some("finish, confirmed: true")
            );
        }
        assert_eq!(calls.files(), 0);
    }
}
