//! The bootstrap as a client of the Runtime API, byte by byte.

mod after;
mod bare;
mod concurrency;
mod protocol;
mod shutdown;
mod slow;
mod snapshots;
mod streaming;
mod time_outs;
