//! The layer's module `pilotlight/services.so`: everything that needs HTTP clients, TLS and JSON.
//! The bootstrap maps it at its first use, so `init` never waits for it.
//!
//! [`exports`] is what the bootstrap calls, [`host`] the log and client that it starts, [`warming`]
//! invokes the functions that a ping asks for, [`config`] fetches configuration values, [`aws`]
//! calls services, [`variables`] is the environment, [`bug`] catches panics.

pub mod aws;
pub mod bug;
pub mod config;
#[allow(unsafe_code)] // the functions that the bootstrap calls, and its pointers
pub mod exports;
#[allow(unsafe_code)] // calls the bootstrap's `log`
pub mod host;
#[allow(unsafe_code)] // reads the C strings of the environment
pub mod variables;
pub mod warming;
