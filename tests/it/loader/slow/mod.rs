//! Minutes of the same: what a loader must survive every time.

mod sweep;
