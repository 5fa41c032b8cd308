//! The parts of the `bootstrap` executable, as a library that tests and fuzz targets can link.
//!
//! `main.rs` shows the order in which they are used. `event_loop` is the order of one invocation,
//! `runtime_api` and `http` are the client of the Runtime API, `handler` is the ABI, `warming`
//! answers pings in place of the handler, `config` stores configuration values, and `services` maps
//! the layer's module that talks to AWS.

#![no_std]

extern crate alloc;

#[allow(unsafe_code)] // Functions that handlers call.
pub mod callbacks;
pub mod config;
pub mod environment;
pub mod event_loop;
pub mod failure;
pub mod handler;
pub mod http;
pub mod invocation;
pub mod runtime_api;
pub mod services;
pub mod shutdown;
pub mod snapshot;
pub mod warming;
mod xray;
