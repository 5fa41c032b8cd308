//! A value as a source delivered it.

use alloc::vec::Vec;

/// A value as it was fetched.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// The value.
    pub bytes: Vec<u8>,
    /// Its content type; empty for none.
    pub content_type: Vec<u8>,
    /// The source's name for this version; empty for none.
    pub version: Vec<u8>,
    /// Time of the fetch, in milliseconds since the Unix epoch.
    pub fetched_ms: u64,
    /// Number of this value among those of its name; the first is 1.
    pub generation: u64,
    /// Whether it must be kept out of logs, errors and files.
    pub is_secret: bool,
}
