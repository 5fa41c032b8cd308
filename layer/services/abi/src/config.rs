//! Cached configuration: the bootstrap keeps the values that handlers read, and says which are
//! wanted; the module fetches them.

use crate::Bytes;

/// The kinds of sources, by what their declarations begin with. What is behind the colon is the
/// target; of the last two it is the whole URL.
pub const SOURCES: [&str; 7] = ["appconfig", "ssm", "secret", "file", "env", "http", "https"];

/// [`FetchRequest::flags`] and [`Fetched::flags`]: the value must not reach a log, an error or a
/// file.
pub const SECRET: u32 = 1;
/// [`Fetched::flags`]: the value is from before a restart; nobody has confirmed it.
pub const RESTORED: u32 = 2;

/// A value that is to be fetched. What it borrows lives as long as the process.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FetchRequest {
    /// Names the value to the bootstrap.
    pub index: u32,
    /// An index of [`SOURCES`].
    pub source: u32,
    /// Its name.
    pub name: Bytes,
    /// What its source is to be asked for.
    pub target: Bytes,
    /// How long a fetched value is good for, in milliseconds; 0 for what the source says.
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
    /// Its content type; empty where there is none.
    pub content_type: Bytes,
    /// What the source calls this version; empty where it has no such name.
    pub version: Bytes,
    /// When it was fetched: milliseconds since the Unix epoch.
    pub fetched_ms: u64,
    /// [`SECRET`] and [`RESTORED`].
    pub flags: u32,
}

/// What the bootstrap offers for this. Each value that [`Host::next`] hands out is fetched by one
/// thread, which ends that with [`Host::finish`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// Waits until a value is wanted, for as long as that takes.
    pub next: unsafe extern "C" fn(request: *mut FetchRequest),
    /// Makes a value the one that is read; 0 when it is the one that was there.
    pub publish: unsafe extern "C" fn(index: u32, fetched: *const Fetched) -> u32,
    /// Ends a fetch: the value is wanted again when somebody reads it at `due_ms` since the Unix
    /// epoch or later. `confirmed_ms` is when the source confirmed what is there; 0 when it failed.
    pub finish: unsafe extern "C" fn(index: u32, due_ms: u64, confirmed_ms: u64),
    /// Writes a record to the function's log, as a warning.
    pub log: unsafe extern "C" fn(text: Bytes),
}

/// Fetches what is wanted, for as long as the process lives, on the calling thread and others.
pub type Refresh = unsafe extern "C" fn(host: *const Host);
