//! The parts of the `bootstrap` executable, as a library that tests and fuzz targets can link.
//!
//! `main.rs` shows the order in which they are used. `event_loop` is the order of one invocation,
//! `runtime_api` and `http` are the client of the Runtime API, `handler` is the ABI, `loader` maps
//! ELF files, `libc` is the C library that handlers link against, `warming` answers pings in place
//! of the handler, and `services` maps the layer's module that talks to AWS.

#![no_std]

extern crate alloc;

mod base64;
#[allow(unsafe_code)] // SSE2.
mod bytes;
pub mod config;
pub mod crash;
#[allow(unsafe_code)] // C strings of the process, and `putenv`.
pub mod environment;
pub mod event_loop;
pub mod failure;
#[allow(unsafe_code)] // System calls.
pub mod file;
pub mod handler;
pub mod http;
#[allow(unsafe_code)] // Memory that a signal handler reads.
mod in_flight;
mod integer;
pub mod invocation;
mod json;
#[cfg(feature = "static")]
pub mod libc;
pub mod loader;
pub mod log;
mod module;
#[allow(unsafe_code)] // dereferences the box that it leaked
mod once;
pub mod runtime_api;
pub mod services;
#[allow(unsafe_code)] // A signal handler.
pub mod shutdown;
#[allow(unsafe_code)] // System calls.
pub mod sys;
pub mod warming;
mod xray;
