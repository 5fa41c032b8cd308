//! A local Lambda, as a library that the `pilotlight` command and the tests use alike.
//!
//! An [`ExecutionEnvironment`](environment::ExecutionEnvironment) is one process of the real
//! bootstrap with a Runtime API server of its own ([`runtime_api`]). The bootstrap is started as
//! Lambda starts it, and met over HTTP alone.

pub mod environment;
pub mod function;
pub mod measure;
pub mod report;
pub mod run;
pub mod runtime_api;
