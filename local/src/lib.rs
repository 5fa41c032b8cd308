//! A local Lambda, as a library that the `pilotlight` command and the tests use alike.
//!
//! An [`ExecutionEnvironment`](environment::ExecutionEnvironment) is one process of the real
//! bootstrap with a Runtime API server of its own ([`runtime_api`]). The bootstrap is started as
//! Lambda starts it, and only HTTP connects the two. [`placement`] manages many environments, and
//! [`lambda`] is the interface for clients.

// `eprintln!` panics if standard error is closed; `log::say` does not.
#![deny(clippy::print_stderr)]

pub mod build;
pub mod check;
pub mod clock;
pub mod cpu;
pub mod descriptors;
pub mod environment;
pub mod exec;
pub mod function;
pub mod functions;
pub mod host;
pub mod identifiers;
pub mod interrupt;
pub mod invoke;
pub mod lambda;
pub mod layer;
pub mod limits;
pub mod log;
pub mod measure;
pub mod new;
pub mod one_file;
mod page;
pub mod ping;
pub mod placement;
#[allow(unsafe_code)] // Gives one thread a mount namespace of its own.
mod private_tmp;
pub mod process;
pub mod report;
pub mod run;
pub mod runtime_api;
pub mod schedule;
pub mod serve;
pub mod server;
mod statistics;
mod sync;
mod threads;
pub mod warming;
