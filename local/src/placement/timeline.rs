//! The times of the journal and the order of its entries, which all functions share.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::report::milliseconds;

/// The origin of the times that are shown, and a counter of entries.
#[derive(Debug)]
pub struct Timeline {
    origin: Instant,
    /// The origin as milliseconds since the Unix epoch; it also tells servers apart.
    pub started_unix_ms: u64,
    last: AtomicU64,
}

/// The entries that a client has not seen yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    after: u64,
    last: u64,
}

impl Timeline {
    /// A timeline that begins now.
    pub fn start() -> Arc<Timeline> {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started_unix_ms = u64::try_from(unix.as_millis()).unwrap_or_default();
        Arc::new(Timeline { origin: Instant::now(), started_unix_ms, last: AtomicU64::new(0) })
    }

    /// The number of a new entry, from 1. The caller holds the lock of the list that gets the
    /// entry, so that a reader who takes the range before that lock misses none.
    pub fn next(&self) -> u64 {
        self.last.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Milliseconds from the origin to `instant`.
    pub fn at(&self, instant: Instant) -> f64 {
        milliseconds(instant.saturating_duration_since(self.origin))
    }

    /// The entries after a cursor of an earlier answer; all, if it is of another server.
    pub fn range(&self, since: Option<&str>) -> Range {
        let last = self.last.load(Ordering::SeqCst);
        let parts = since.and_then(|since| since.split_once('-'));
        let after = parts.and_then(|(server, after)| {
            let is_ours = server.parse() == Ok(self.started_unix_ms);
            after.parse().ok().filter(|&after| is_ours && after <= last)
        });
        Range { after: after.unwrap_or(0), last }
    }

    /// The cursor of a range's end.
    pub fn cursor(&self, range: Range) -> String {
        format!("{}-{}", self.started_unix_ms, range.last)
    }
}

impl Range {
    /// Whether the entry is new to the client, and belongs to this answer.
    pub fn has(self, entry: u64) -> bool {
        self.after < entry && entry <= self.last
    }

    /// Whether an entry that changes is new to the client, in this answer or also in the next.
    pub fn has_changed(self, entry: u64) -> bool {
        self.after < entry
    }

    /// Whether it begins with the first entry.
    pub fn is_complete(self) -> bool {
        self.after == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_of_its_own_server() {
        let timeline = Timeline::start();
        let first = timeline.next();
        let range = timeline.range(None);
        assert!(range.is_complete() && range.has(first));
        let cursor = timeline.cursor(range);
        let second = timeline.next();
        assert!(!range.has(second), "the next answer has it");
        let range = timeline.range(Some(&cursor));
        assert!(!range.is_complete() && !range.has(first) && range.has(second));
        let ahead = format!("{}-99", timeline.started_unix_ms);
        for other in ["1-1", "", "1", &ahead, &cursor[..cursor.len() - 1]] {
            assert!(timeline.range(Some(other)).is_complete(), "{other}");
        }
    }
}
