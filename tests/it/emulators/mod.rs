//! Other Lambda emulators in front of the real bootstrap.

mod cargo_lambda;
mod managed;
mod rie;
mod sam;
