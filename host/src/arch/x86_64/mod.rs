//! x86-64: its rooms (`../mod.rs`).

pub mod signal;
#[allow(unsafe_code)] // calls instructions of SSE2, which every x86-64 CPU has
pub mod vector;
