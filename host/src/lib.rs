//! The process that libraries live in, for the runtime above it.
//!
//! - [`map`] maps and relocates a library.
//! - [`module`] maps the layer's modules at their first use.
//! - [`libc`] is the C library that mapped libraries link against.
//! - [`crash`] reports signals and exits before the process ends.
//! - [`in_flight`] holds each worker's request id and its prepared report.
//! - [`log`] writes the function's log.
//! - [`sys`] makes system calls, and [`file`](mod@file) reads files.
//! - [`once`] is a value that is set once.
//! - [`json`], [`base64`], [`integer`] and [`bytes`] write and read text without a locale.
//!
//! With the feature `static` it is part of the executable `bootstrap`, which is linked with musl;
//! without it, of unit tests and fuzz targets, which are linked with the system's libc.

#![no_std]

extern crate alloc;

pub mod base64;
#[allow(unsafe_code)] // SSE2.
pub mod bytes;
pub mod crash;
#[allow(unsafe_code)] // System calls.
pub mod file;
#[allow(unsafe_code)] // Memory that a signal handler reads.
pub mod in_flight;
pub mod integer;
pub mod json;
#[cfg(feature = "static")]
pub mod libc;
pub mod log;
pub mod map;
pub mod module;
#[allow(unsafe_code)] // dereferences the box that it leaked
pub mod once;
#[allow(unsafe_code)] // System calls.
pub mod sys;
