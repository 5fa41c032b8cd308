//! The process that libraries live in, for the runtime above it.
//!
//! - [`map`] maps and relocates a library, and [`module`] one of the layer's. [`package`] knows
//!   those that the executable carries.
//! - [`libc`] is the C library that mapped libraries link against.
//! - [`crash`] reports signals and exits before the process ends; [`sigterm`] catches the request
//!   to end it.
//! - [`in_flight`] holds each worker's request id and its prepared report.
//! - [`log`] writes the function's log.
//! - [`environ`] is the arguments and the environment of the process.
//! - [`sys`] makes system calls, [`file`](mod@file) reads files, and [`errno`] is their error.
//! - [`arch`] is all that knows the CPU.
//! - [`sync`] shares values between threads.
//! - [`json`], [`base64`], [`integer`] and [`bytes`] write and read text.
//!
//! With the feature `static` it is part of the executable `bootstrap`, which is linked with musl;
//! without it, of unit tests and fuzz targets, which are linked with the system's libc.

#![no_std]

extern crate alloc;

pub mod arch;
pub mod base64;
pub mod bytes;
pub mod crash;
#[allow(unsafe_code)] // C strings of the process, and `putenv`.
pub mod environ;
#[allow(unsafe_code)] // the C library keeps the number and its text
pub mod errno;
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
#[allow(unsafe_code)] // A table that is changed in the file.
pub mod package;
#[allow(unsafe_code)] // A signal handler.
pub mod sigterm;
pub mod sync;
#[allow(unsafe_code)] // System calls.
pub mod sys;
