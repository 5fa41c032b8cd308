//! The interface between the bootstrap and the layer's module `pilotlight/services.so`.
//!
//! The module exports one data symbol, [`SYMBOL`], a [`Services`]. Both ship in the same layer, so
//! there is no compatibility between versions: the bootstrap refuses any version but its own.
//!
//! Rules. The bootstrap calls `start` once, before anything else. Bytes belong to the caller
//! and are read only until the call returns. No function unwinds into its caller. A thread
//! that calls into the module has been given its thread-locals (the bootstrap sees to that), so
//! every function may be called on any thread unless it says otherwise.

#![no_std]

pub mod config;

use core::ffi::c_char;

/// The caller's bytes. On this border they are never absent.
pub use pilotlight_abi::Bytes;

/// Raised with every change to the layout or meaning of these types.
pub const VERSION: u32 = 3;

/// The one symbol that the module exports: a [`Services`].
pub const SYMBOL: &str = "pilotlight_services";

/// The caller's bytes, as a slice.
///
/// # Safety
/// The caller made `bytes` with [`Bytes::of`], and its call has not returned while `'a` lasts.
#[allow(unsafe_code)] // narrows the contract of `as_slice`
pub unsafe fn borrow<'a>(bytes: Bytes) -> &'a [u8] {
    // SAFETY: as the function's own contract.
    unsafe { bytes.as_slice() }.unwrap_or_default()
}

/// Functions and data that the bootstrap gives to the module.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// Writes one line, which ends with a line feed, to the function's log. Callable on any thread.
    pub log: unsafe extern "C" fn(line: Bytes),
    /// The strings of the environment that the process was started with, one after another, each
    /// ended by NUL. `setenv` changes the list of pointers, never these strings, so the module may
    /// be started on any thread.
    pub variables: *const c_char,
    /// Number of those strings.
    pub variable_count: usize,
}

/// Functions of the module. All are present; they are options because a file may be damaged.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Services {
    /// [`VERSION`] at the module's build. Always the first field.
    pub version: u32,
    /// Called once, before all others.
    pub start: Option<Start>,
    /// Sends the pings that a ping asks for, waits for them, and logs a record if any fails or is
    /// not allowed.
    pub fan_out: Option<SendPings>,
    /// Called once, on a thread of its own; does not return.
    pub refresh_config: Option<config::Refresh>,
}

/// A ping that asks for other environments.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FanOut {
    /// The ping: a JSON object, known to be valid.
    pub ping: Bytes,
    /// The default of the id that the pings of the fan-out share, as JSON: UTF-8.
    pub id: Bytes,
    /// The ARN that the ping was sent to: UTF-8; empty for unknown.
    pub invoked_function_arn: Bytes,
    /// The tenant; empty for none.
    pub tenant_id: Bytes,
    /// Deadline of the ping's invocation, in milliseconds since the Unix epoch; 0 for unknown.
    pub deadline_ms: u64,
    /// Rest of the event's budget: [`FULL`] for its first ping, and for each other one the result
    /// of [`SendPings`] for the ping before.
    pub budget: u32,
}

/// [`FanOut::budget`] of an event's first ping: the limit of the function's variables.
pub const FULL: u32 = u32::MAX;

/// Starts the module.
pub type Start = unsafe extern "C" fn(host: *const Host);

/// Sends pings, and returns the rest of the budget.
pub type SendPings = unsafe extern "C" fn(fan_out: *const FanOut) -> u32;
