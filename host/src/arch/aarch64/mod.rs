//! aarch64, which Lambda calls arm64: its rooms (`../mod.rs`).

pub mod signal;
#[allow(unsafe_code)] // calls instructions of Advanced SIMD, which every CPU for Linux has
pub mod vector;
