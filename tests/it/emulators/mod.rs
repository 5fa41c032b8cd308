//! Other Lambda emulators in front of the real bootstrap.

pub mod cargo_lambda;
mod managed;
pub mod rie;
mod sam;
