//! The layer's module `pilotlight/services.so`: all that needs HTTP, TLS and JSON. The bootstrap maps
//! it when it is first needed, so no `init` ever waits for it.
//!
//! [`exports`] is the border to the bootstrap, [`warming`] invokes the functions that a ping asks
//! for, [`config`] fetches configuration values, [`aws`] calls any service, [`variables`] is the
//! environment, [`bug`] catches panics.

pub mod aws;
pub mod bug;
pub mod config;
#[allow(unsafe_code)]
pub mod exports;
#[allow(unsafe_code)]
pub mod variables;
pub mod warming;
