//! aarch64, which Lambda calls arm64: its rooms (`../mod.rs`).

#[allow(unsafe_code)] // A function of two instructions.
pub mod restore;
pub mod signal;
#[allow(unsafe_code)] // calls instructions of Advanced SIMD, which every CPU for Linux has
pub mod vector;
