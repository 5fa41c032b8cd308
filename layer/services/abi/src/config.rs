//! Cached configuration: the bootstrap stores the values that handlers read, and requests new ones;
//! the module fetches them.

use crate::Bytes;

/// Kinds of sources: the prefixes of declarations. The target is the text after the colon; for the
/// last two it is the whole URL.
pub const SOURCES: [&str; 7] = ["appconfig", "ssm", "secret", "file", "env", "http", "https"];

/// [`FetchRequest::flags`] and [`Fetched::flags`]: the value must be kept out of logs, errors and
/// files.
pub const SECRET: u32 = 1;
/// [`Fetched::flags`]: the value is from before a restart, and not confirmed since.
pub const RESTORED: u32 = 2;

/// A value to fetch. Its bytes live as long as the process.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FetchRequest {
    /// Identifies the value to the bootstrap.
    pub index: u32,
    /// Index into [`SOURCES`].
    pub source: u32,
    /// Name that handlers read it by.
    pub name: Bytes,
    /// Address within the source: a path, an id or a URL.
    pub target: Bytes,
    /// Time between fetches, in milliseconds; 0 for the source's own.
    pub ttl_ms: u64,
    /// [`SECRET`] or 0.
    pub flags: u32,
}

/// A value that has been fetched.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Fetched {
    /// The value.
    pub bytes: Bytes,
    /// Its content type; empty for none.
    pub content_type: Bytes,
    /// The source's name for this version; empty for none.
    pub version: Bytes,
    /// Time of the fetch, in milliseconds since the Unix epoch.
    pub fetched_ms: u64,
    /// [`SECRET`] and [`RESTORED`].
    pub flags: u32,
}

/// Functions that the bootstrap gives to [`Refresh`]. Each request of [`Host::next`] is fetched by
/// one thread, which ends it with [`Host::finish`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// Waits until a value is requested, without a time-out.
    pub next: unsafe extern "C" fn(request: *mut FetchRequest),
    /// Makes a value the current one; 0 if it already was.
    pub publish: unsafe extern "C" fn(index: u32, fetched: *const Fetched) -> u32,
    /// Ends a fetch: the value is requested again if a handler reads it at `due_ms` or later.
    /// `confirmed_ms` is the time at which the source confirmed the value; 0 after a failure. Both
    /// in milliseconds since the Unix epoch.
    pub finish: unsafe extern "C" fn(index: u32, due_ms: u64, confirmed_ms: u64),
    /// Writes a record to the function's log, as a warning.
    pub log: unsafe extern "C" fn(text: Bytes),
}

/// Fetches requested values on the calling thread and others. Does not return.
pub type Refresh = unsafe extern "C" fn(host: *const Host);
