//! The parts of the `bootstrap` executable, as a library that tests and fuzz targets can link.
//!
//! `main.rs` shows the order in which they are used. `event_loop` knows the order of one
//! invocation, `runtime_api` the server, `http` the bytes, `handler` the ABI, `loader` ELF files,
//! `libc` what handlers link against, `warming` the pings that no handler sees, and `services` the
//! layer's module that talks to AWS.

#![no_std]

extern crate alloc;

mod base64;
#[allow(unsafe_code)]
mod bytes;
pub mod config;
pub mod crash;
#[allow(unsafe_code)]
pub mod environment;
pub mod event_loop;
pub mod failure;
#[allow(unsafe_code)]
pub mod file;
pub mod handler;
pub mod http;
#[allow(unsafe_code)]
mod in_flight;
mod integer;
pub mod invocation;
mod json;
#[cfg(feature = "static")]
pub mod libc;
pub mod loader;
pub mod log;
mod module;
pub mod runtime_api;
pub mod services;
#[allow(unsafe_code)]
pub mod shutdown;
#[allow(unsafe_code)]
pub mod sys;
pub mod warming;
mod xray;
