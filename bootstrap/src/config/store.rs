//! Stores the values that handlers read, and requests new ones. Nothing here fetches.
//!
//! Times are of the wall clock, which runs on while the execution environment is frozen: if a
//! value's TTL ends in a freeze, the next read requests it. If the clock went back, its times mean
//! nothing, so the value is requested then, too.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::AtomicU8;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering;

use pilotlight_host::sync::arc_cell::ArcCell;
use pilotlight_host::sync::arc_cell::Guard;
use pilotlight_host::sync::once::OnceBox;
use pilotlight_host::sys;
use pilotlight_host::sys::clock;

use super::declaration::Declaration;
use super::fetched::Fetched;

/// Declared values per function; far more than functions declare.
const MAX_VALUES: usize = 64;
/// Longest time that a running fetch delays the next `/next`, in milliseconds. A response that
/// comes in a freeze is lost, so without this wait the fetch could start again at every invocation.
const LINGER_MS: u64 = 500;
/// Time before the deadline at which a wait for a required value ends, in milliseconds, so that the
/// handler can still answer.
const MARGIN_MS: u64 = 100;
/// Longest sleep of a waiting thread before it reads the clock again, in milliseconds: a freeze may
/// have passed.
const MAX_SLEEP_MS: u64 = 20;
/// Freshness of a new value until `finish` sets its TTL, in milliseconds.
const NEW_VALUE_TTL_MS: u64 = 1000;

/// State: no fetch is pending.
const IDLE: u8 = 0;
/// State: a fetch is requested.
const REQUESTED: u8 = 1;
/// State: a fetch is running.
const FETCHING: u8 = 2;

/// One declared value.
#[derive(Debug)]
pub struct Entry {
    /// Its declaration.
    pub declaration: Declaration<'static>,
    cell: ArcCell<Fetched>,
    state: AtomicU8,
    /// Time of the next fetch.
    due_ms: AtomicU64,
    /// End of its freshness.
    fresh_until_ms: AtomicU64,
    /// Last confirmation by its source; 0 for none in this process.
    confirmed_ms: AtomicU64,
    /// End of the last fetch, failed or not.
    tried_ms: AtomicU64,
    /// A handler has read it, so each invocation keeps it fresh.
    is_used: AtomicBool,
    /// The one wait for a required value is over.
    has_waited: AtomicBool,
}

/// A value as a handler reads it.
#[derive(Debug)]
pub struct Snapshot {
    /// The value.
    pub value: Guard<Fetched>,
    /// Last confirmation by its source, in milliseconds since the Unix epoch.
    pub confirmed_ms: u64,
    /// Its TTL has ended, or it is from before a restart.
    pub is_stale: bool,
}

/// Reason for the absence of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// The name is not declared.
    Unknown,
    /// No value has arrived yet.
    NotYet,
}

/// The values of this process.
pub static STORE: Store = Store::empty();

/// Starts the fetching thread; false if that fails.
pub type Spawn = Box<dyn Fn() -> bool + Send + Sync>;

/// All declared values.
pub struct Store {
    entries: [OnceBox<Entry>; MAX_VALUES],
    spawn: OnceBox<Spawn>,
    has_fetcher: AtomicBool,
    is_broken: AtomicBool,
    /// Reads request values. Set from the first invocation on.
    is_open: AtomicBool,
    /// Counts requests. The fetching thread waits on it.
    requests: AtomicU32,
    /// Counts ended fetches. Waiting readers wait on it.
    completions: AtomicU32,
    /// Values whose state is not [`IDLE`].
    in_flight: AtomicU32,
    linger_until_ms: AtomicU64,
}

impl Store {
    /// Without values. All zeros, so the static store takes no room in the executable.
    pub const fn empty() -> Store {
        Store {
            entries: [const { OnceBox::empty() }; MAX_VALUES],
            spawn: OnceBox::empty(),
            has_fetcher: AtomicBool::new(false),
            is_broken: AtomicBool::new(false),
            is_open: AtomicBool::new(false),
            requests: AtomicU32::new(0),
            completions: AtomicU32::new(0),
            in_flight: AtomicU32::new(0),
            linger_until_ms: AtomicU64::new(0),
        }
    }

    /// Sets the function that is called once, at the first request. Call it before that.
    pub fn set_spawn(&self, spawn: Spawn) {
        self.spawn.set(spawn);
    }

    fn entries(&self) -> impl Iterator<Item = &'static Entry> {
        self.entries.iter().map_while(OnceBox::get)
    }

    /// Parses a declaration and adds its value, as [`Store::add`]. Err quotes it, and says what was
    /// expected.
    pub fn declare(&self, text: &'static [u8]) -> Result<(), String> {
        let added = Declaration::parse(text).and_then(|declaration| self.add(declaration));
        added.map_err(|expected| mistake(text, expected))
    }

    /// Adds a value. Only before the first invocation, and on the thread that will serve it. Err is
    /// a phrase after "expected".
    pub fn add(&self, declaration: Declaration<'static>) -> Result<(), &'static str> {
        if self.find(declaration.name).is_some() {
            return Err("a name that is not declared yet");
        }
        let free = self.entries.iter().find(|slot| slot.get().is_none());
        let slot = free.ok_or("at most 64 values")?;
        let entry = slot.set(Entry {
            declaration,
            cell: ArcCell::empty(),
            state: AtomicU8::new(IDLE),
            due_ms: AtomicU64::new(0),
            fresh_until_ms: AtomicU64::new(0),
            confirmed_ms: AtomicU64::new(0),
            tried_ms: AtomicU64::new(0),
            is_used: AtomicBool::new(false),
            has_waited: AtomicBool::new(false),
        });
        if entry.declaration.is_prefetched {
            self.touch(entry, clock::now_ms());
        }
        Ok(())
    }

    fn find(&self, name: &[u8]) -> Option<&'static Entry> {
        self.entries().find(|entry| entry.declaration.name == name)
    }

    /// Reads a value, and requests a new one if it is due. Waits only for the first value of a
    /// required declaration, at most until `deadline_ms` (0: none).
    pub fn read(&self, name: &[u8], deadline_ms: u64) -> Result<Snapshot, Absent> {
        let entry = self.find(name).ok_or(Absent::Unknown)?;
        let now = clock::now_ms();
        self.touch(entry, now);
        let value = match entry.cell.get() {
            Some(value) => value,
            None => self.wait_for(entry, now, deadline_ms).ok_or(Absent::NotYet)?,
        };
        let confirmed_ms = entry.confirmed_ms.load(Ordering::Relaxed);
        let fresh = confirmed_ms..entry.fresh_until_ms.load(Ordering::Relaxed);
        let is_stale = !fresh.contains(&now) && !fresh.contains(&clock::now_ms());
        Ok(Snapshot { confirmed_ms: confirmed_ms.max(value.fetched_ms), value, is_stale })
    }

    /// Marks the value as used, and requests it if it is due or the clock went back.
    fn touch(&self, entry: &'static Entry, now: u64) {
        // Write only a change: otherwise readers on several threads contend for the cache line.
        if !entry.is_used.load(Ordering::Relaxed) {
            entry.is_used.store(true, Ordering::Relaxed);
        }
        let went_back = now < entry.tried_ms.load(Ordering::Relaxed);
        let is_due = went_back || now >= entry.due_ms.load(Ordering::Relaxed);
        if !is_due || !self.may_fetch(entry) {
            return;
        }
        let acquire = Ordering::Acquire;
        if entry.state.compare_exchange(IDLE, REQUESTED, acquire, Ordering::Relaxed).is_err() {
            return;
        }
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.linger_until_ms.store(now + LINGER_MS, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Release);
        sys::wake(&self.requests);
        if !self.has_fetcher.swap(true, Ordering::Relaxed) && !self.spawn() {
            self.give_up();
        }
    }

    fn spawn(&self) -> bool {
        self.spawn.get().is_some_and(|spawn| spawn())
    }

    fn may_fetch(&self, entry: &Entry) -> bool {
        let may_begin = entry.declaration.is_prefetched || self.is_open.load(Ordering::Relaxed);
        may_begin && !self.is_broken.load(Ordering::Relaxed)
    }

    /// Waits once for the first value of a required declaration, up to its `wait` and the deadline.
    /// Failed fetches are repeated meanwhile, as often as the source allows.
    fn wait_for(
        &self,
        entry: &'static Entry,
        now: u64,
        deadline_ms: u64,
    ) -> Option<Guard<Fetched>> {
        if !entry.declaration.is_required || entry.has_waited.load(Ordering::Relaxed) {
            return None;
        }
        let bound = now.saturating_add(entry.declaration.wait_ms);
        let until = match deadline_ms {
            0 => bound,
            deadline_ms => bound.min(deadline_ms.saturating_sub(MARGIN_MS)),
        };
        self.wait(until, |now| {
            self.touch(entry, now);
            entry.cell.get().is_some() || !self.may_fetch(entry)
        });
        if self.may_fetch(entry) {
            entry.has_waited.store(true, Ordering::Relaxed);
        }
        entry.cell.get()
    }

    /// Waits until `is_over` returns true, or until `until_ms`.
    fn wait(&self, until_ms: u64, mut is_over: impl FnMut(u64) -> bool) {
        loop {
            let completions = self.completions.load(Ordering::Acquire);
            let now = clock::now_ms();
            if is_over(now) || now >= until_ms {
                return;
            }
            sys::wait(&self.completions, completions, Some((until_ms - now).min(MAX_SLEEP_MS)));
        }
    }

    /// Ends the init phase: waits for the prefetched values, then lets reads request others.
    pub fn end_start(&self) {
        for entry in self.entries().filter(|entry| entry.declaration.is_prefetched) {
            let until = clock::now_ms().saturating_add(entry.declaration.wait_ms);
            self.wait(until, |_| entry.state.load(Ordering::Relaxed) == IDLE);
        }
        self.is_open.store(true, Ordering::Relaxed);
    }

    /// Makes every value stale, and requests the used ones: a snapshot has been restored, perhaps
    /// days after it was taken. [`Store::end_start`] waits for the prefetched ones again.
    pub fn expire(&self) {
        for entry in self.entries() {
            entry.due_ms.store(0, Ordering::Relaxed);
            entry.fresh_until_ms.store(0, Ordering::Relaxed);
        }
        self.begin_invocation();
    }

    /// Starts an invocation: requests the used values that are due, to be fetched while it runs.
    pub fn begin_invocation(&self) {
        for entry in self.entries().filter(|entry| entry.is_used.load(Ordering::Relaxed)) {
            self.touch(entry, clock::now_ms());
        }
    }

    /// Ends an invocation: waits up to [`LINGER_MS`] for running fetches.
    pub fn end_invocation(&self) {
        if self.in_flight.load(Ordering::Relaxed) != 0 {
            let until = self.linger_until_ms.load(Ordering::Relaxed);
            self.wait(until, |_| self.in_flight.load(Ordering::Relaxed) == 0);
        }
    }

    /// For the fetching thread: waits for a request, and takes it.
    pub fn next(&self) -> (u32, &'static Entry) {
        loop {
            let requests = self.requests.load(Ordering::Acquire);
            for (index, entry) in (0u32..).zip(self.entries()) {
                let taken = entry.state.compare_exchange(
                    REQUESTED,
                    FETCHING,
                    Ordering::Acquire,
                    Ordering::Relaxed,
                );
                if taken.is_ok() {
                    return (index, entry);
                }
            }
            sys::wait(&self.requests, requests, None);
        }
    }

    /// For the fetching thread: makes this the current value. False if it already was, or if it was
    /// restored from before a restart and another is there.
    pub fn publish(&self, index: u32, mut value: Fetched, is_restored: bool) -> bool {
        let Some(entry) = self.by_index(index) else {
            return false;
        };
        let before = entry.cell.get();
        value.generation = before.as_ref().map_or(0, |before| before.generation) + 1;
        if let Some(before) = before {
            let is_same = before.bytes == value.bytes
                && before.content_type == value.content_type
                && before.version == value.version;
            // A restored value is older than any other.
            if is_same || is_restored {
                return false;
            }
        }
        if !is_restored {
            // Fresh until `finish`, which comes next, sets the TTL.
            entry.confirmed_ms.store(value.fetched_ms, Ordering::Relaxed);
            let until = value.fetched_ms.saturating_add(NEW_VALUE_TTL_MS);
            entry.fresh_until_ms.store(until, Ordering::Relaxed);
        }
        entry.cell.put(value);
        self.completions.fetch_add(1, Ordering::Release);
        sys::wake(&self.completions);
        true
    }

    /// For the fetching thread: ends a fetch. Reads request the value again from `due_ms` on;
    /// `confirmed_ms` is the time at which the source confirmed it, or 0 after a failure.
    pub fn finish(&self, index: u32, due_ms: u64, confirmed_ms: u64) {
        let Some(entry) = self.by_index(index) else {
            return;
        };
        entry.due_ms.store(due_ms, Ordering::Relaxed);
        entry.tried_ms.store(confirmed_ms.max(clock::now_ms()), Ordering::Relaxed);
        if confirmed_ms != 0 {
            entry.confirmed_ms.store(confirmed_ms, Ordering::Relaxed);
            entry.fresh_until_ms.store(due_ms, Ordering::Relaxed);
        }
        self.set_idle(entry);
    }

    fn by_index(&self, index: u32) -> Option<&'static Entry> {
        self.entries().nth(usize::try_from(index).ok()?)
    }

    fn set_idle(&self, entry: &Entry) {
        entry.state.store(IDLE, Ordering::Release);
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.completions.fetch_add(1, Ordering::Release);
        sys::wake(&self.completions);
    }

    /// Ends all requests, and refuses new ones: there is no fetching thread.
    pub fn give_up(&self) {
        self.is_broken.store(true, Ordering::Relaxed);
        for entry in self.entries().filter(|entry| entry.state.load(Ordering::Relaxed) != IDLE) {
            self.set_idle(entry);
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// The message about a declaration that cannot be understood.
pub fn mistake(text: &[u8], expected: &str) -> String {
    let text = String::from_utf8_lossy(text);
    format!("configuration `{text}`: expected {expected}")
}
