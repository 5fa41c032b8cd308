//! The values that handlers read, and which of them are wanted anew. Nothing here fetches anything.
//!
//! Times are of the wall clock, which goes on while the execution environment is frozen: a value whose
//! interval has passed in a freeze is wanted by the next read. A clock that went back says nothing, so
//! the value is wanted then, too.

use core::sync::atomic::AtomicBool;
use core::sync::atomic::AtomicU8;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering;

use super::cell::ArcCell;
use super::cell::Fetched;
use super::cell::Guard;
use super::declaration::Declaration;
use super::ffi;
use crate::once::OnceBox;
use crate::sys;

/// Far above what a function declares.
const MAX_VALUES: usize = 64;
/// How long the next request for work waits for a fetch that has begun: an answer that comes while the
/// execution environment is frozen is lost, and the fetch would begin again at every invocation.
const LINGER_MS: u64 = 500;
/// What is left before the deadline to a handler whose required value does not come.
const MARGIN_MS: u64 = 100;
/// Whoever waits looks at the clock again after this, because a freeze may have been in between.
const MAX_SLEEP_MS: u64 = 20;

/// How long a value that was fetched counts as fresh until it has been said for how long it does.
const NEW_VALUE_TTL_MS: u64 = 1000;

/// Nobody has asked for the value since it was last fetched.
const IDLE: u8 = 0;
/// It is to be fetched.
const REQUESTED: u8 = 1;
/// It is being fetched.
const FETCHING: u8 = 2;

/// One declared value.
#[derive(Debug)]
pub struct Entry {
    /// How it was declared.
    pub declaration: Declaration<'static>,
    cell: ArcCell,
    state: AtomicU8,
    /// When it is to be fetched again.
    due_ms: AtomicU64,
    /// Until when it counts as fresh.
    fresh_until_ms: AtomicU64,
    /// When its source has last confirmed it; 0 for never in this process.
    confirmed_ms: AtomicU64,
    /// When it was last fetched, or tried to be.
    tried_ms: AtomicU64,
    /// Somebody has read it, so that it is kept fresh.
    is_used: AtomicBool,
    /// The one wait of a required value is over.
    has_waited: AtomicBool,
}

/// A value as a reader gets it.
#[derive(Debug)]
pub struct Snapshot {
    /// The value.
    pub value: Guard,
    /// When its source has last confirmed it.
    pub confirmed_ms: u64,
    /// Its interval has passed, or it is from before a restart.
    pub is_stale: bool,
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// Nobody has declared the name.
    Unknown,
    /// Nothing has arrived yet.
    NotYet,
}

/// All declared values.
#[derive(Debug)]
pub struct Store {
    entries: [OnceBox<Entry>; MAX_VALUES],
    /// Begins the thread that fetches, in a test; false where there is none to be had.
    spawn: Option<fn() -> bool>,
    has_fetcher: AtomicBool,
    is_broken: AtomicBool,
    /// Whether reads have values fetched, as they do from the first invocation on.
    is_open: AtomicBool,
    /// Counts wants, for the thread that fetches.
    requests: AtomicU32,
    /// Counts fetches that ended, for those who wait for one.
    completions: AtomicU32,
    /// Values that are wanted or being fetched.
    in_flight: AtomicU32,
    linger_until_ms: AtomicU64,
}

impl Store {
    /// Without values. `begin` is called once, when the first is wanted; None begins the thread of this
    /// process (and a store of zeros takes no room in the executable's file).
    pub const fn new(spawn: Option<fn() -> bool>) -> Store {
        Store {
            entries: [const { OnceBox::empty() }; MAX_VALUES],
            spawn,
            has_fetcher: AtomicBool::new(false),
            is_broken: AtomicBool::new(false),
            is_open: AtomicBool::new(false),
            requests: AtomicU32::new(0),
            completions: AtomicU32::new(0),
            in_flight: AtomicU32::new(0),
            linger_until_ms: AtomicU64::new(0),
        }
    }

    fn entries(&self) -> impl Iterator<Item = &'static Entry> {
        self.entries.iter().map_while(OnceBox::get)
    }

    /// Adds a value, before the first invocation and on the thread that will serve it.
    /// Err says what was expected.
    pub fn add(&self, declaration: Declaration<'static>) -> Result<(), &'static str> {
        if self.find(declaration.name).is_some() {
            return Err("a name that is not declared yet");
        }
        let free = self.entries.iter().find(|slot| slot.get().is_none());
        let slot = free.ok_or("64 values at most")?;
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
            self.touch(entry, sys::now_ms());
        }
        Ok(())
    }

    fn find(&self, name: &[u8]) -> Option<&'static Entry> {
        self.entries().find(|entry| entry.declaration.name == name)
    }

    /// Reads a value, and has it fetched if it is due. Waits for nothing but the first value of one that
    /// is required, and no longer than until `deadline_ms` (0: none).
    pub fn read(&self, name: &[u8], deadline_ms: u64) -> Result<Snapshot, Absent> {
        let entry = self.find(name).ok_or(Absent::Unknown)?;
        let now = sys::now_ms();
        self.touch(entry, now);
        let value = match entry.cell.get() {
            Some(value) => value,
            None => self.wait_for(entry, now, deadline_ms).ok_or(Absent::NotYet)?,
        };
        let confirmed_ms = entry.confirmed_ms.load(Ordering::Relaxed);
        let fresh = confirmed_ms..entry.fresh_until_ms.load(Ordering::Relaxed);
        let is_stale = !fresh.contains(&now) && !fresh.contains(&sys::now_ms());
        Ok(Snapshot { confirmed_ms: confirmed_ms.max(value.fetched_ms), value, is_stale })
    }

    /// Has the value fetched if it is due, or nobody knows whether it is.
    fn touch(&self, entry: &'static Entry, now: u64) {
        // Only a change is written: readers on several threads would fight for it.
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
        let spawn = self.spawn.unwrap_or(ffi::spawn_fetcher);
        if !self.has_fetcher.swap(true, Ordering::Relaxed) && !spawn() {
            self.give_up();
        }
    }

    fn may_fetch(&self, entry: &Entry) -> bool {
        let may_begin = entry.declaration.is_prefetched || self.is_open.load(Ordering::Relaxed);
        may_begin && !self.is_broken.load(Ordering::Relaxed)
    }

    /// Waits for the first value of one that is required: once, within its bound and the deadline. If it
    /// cannot be fetched it is tried again, as often as its source allows.
    fn wait_for(&self, entry: &'static Entry, now: u64, deadline_ms: u64) -> Option<Guard> {
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

    /// Waits until `is_over`, or that time has come.
    fn wait(&self, until_ms: u64, mut is_over: impl FnMut(u64) -> bool) {
        loop {
            let completions = self.completions.load(Ordering::Acquire);
            let now = sys::now_ms();
            if is_over(now) || now >= until_ms {
                return;
            }
            sys::wait(&self.completions, completions, Some((until_ms - now).min(MAX_SLEEP_MS)));
        }
    }

    /// The start is over once the values that are to be there have come, or could not.
    pub fn end_start(&self) {
        for entry in self.entries().filter(|entry| entry.declaration.is_prefetched) {
            let until = sys::now_ms().saturating_add(entry.declaration.wait_ms);
            self.wait(until, |_| entry.state.load(Ordering::Relaxed) == IDLE);
        }
        self.is_open.store(true, Ordering::Relaxed);
    }

    /// An invocation begins: what is used and due is fetched beside it.
    pub fn begin_invocation(&self) {
        for entry in self.entries().filter(|entry| entry.is_used.load(Ordering::Relaxed)) {
            self.touch(entry, sys::now_ms());
        }
    }

    /// An invocation has been answered: waits, for a bounded time, for what is being fetched.
    pub fn end_invocation(&self) {
        if self.in_flight.load(Ordering::Relaxed) != 0 {
            let until = self.linger_until_ms.load(Ordering::Relaxed);
            self.wait(until, |_| self.in_flight.load(Ordering::Relaxed) == 0);
        }
    }

    /// For the thread that fetches: waits until a value is wanted, and hands it out to be fetched.
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

    /// For the thread that fetches this value: makes it the one that is read, unless it is there.
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
            // What was kept from before a restart is older than anything.
            if is_same || is_restored {
                return false;
            }
        }
        if !is_restored {
            // It is fresh while nobody has said yet until when, which comes next.
            entry.confirmed_ms.store(value.fetched_ms, Ordering::Relaxed);
            let until = value.fetched_ms.saturating_add(NEW_VALUE_TTL_MS);
            entry.fresh_until_ms.store(until, Ordering::Relaxed);
        }
        entry.cell.put(value);
        self.completions.fetch_add(1, Ordering::Release);
        sys::wake(&self.completions);
        true
    }

    /// For the thread that fetches this value: it is wanted again from `due_ms` on, and the source has
    /// confirmed it at `confirmed_ms`, unless that is 0.
    pub fn finish(&self, index: u32, due_ms: u64, confirmed_ms: u64) {
        let Some(entry) = self.by_index(index) else {
            return;
        };
        entry.due_ms.store(due_ms, Ordering::Relaxed);
        entry.tried_ms.store(confirmed_ms.max(sys::now_ms()), Ordering::Relaxed);
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

    /// Nothing will ever be fetched.
    pub fn give_up(&self) {
        self.is_broken.store(true, Ordering::Relaxed);
        for entry in self.entries().filter(|entry| entry.state.load(Ordering::Relaxed) != IDLE) {
            self.set_idle(entry);
        }
    }
}
