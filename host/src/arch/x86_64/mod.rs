//! x86-64: its rooms (`../mod.rs`).

#[allow(unsafe_code)] // A function of two instructions.
pub mod restore;
pub mod signal;
#[allow(unsafe_code)] // calls instructions of SSE2, which every x86-64 CPU has
pub mod vector;
