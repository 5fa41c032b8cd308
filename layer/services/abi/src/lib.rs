//! What the bootstrap and the layer's module `pilotlight/services.so` know of each other.
//!
//! The module exports one data symbol, [`SYMBOL`], a [`Services`]. Both ship in the same layer, so
//! there is one version of this and no compatibility: the bootstrap refuses any other.
//!
//! Rules. The bootstrap calls `start` once, before anything else. Bytes belong to whoever passes
//! them and are read only until the call returns. No function unwinds into its caller. A thread
//! that calls into the module has been given its thread-locals (the bootstrap sees to that), so
//! every function may be called on any thread unless it says otherwise.

#![no_std]

pub mod config;

use core::ffi::c_char;
use core::slice;

/// Bytes of the caller's, which are never absent here.
pub use pilotlight_abi::Bytes;

/// Raised with every change of this file.
pub const VERSION: u32 = 3;

/// The one symbol that the module exports: a [`Services`].
pub const SYMBOL: &str = "pilotlight_services";

/// What the caller lent.
///
/// # Safety
/// Whoever made this with [`Bytes::of`] is still waiting for the call to return.
#[allow(unsafe_code)]
pub const unsafe fn borrow<'a>(bytes: Bytes) -> &'a [u8] {
    // SAFETY: as the function's own contract.
    unsafe { slice::from_raw_parts(bytes.data, bytes.length) }
}

/// What the bootstrap offers the module.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// Writes one line, which ends with a line feed, to the function's log. On any thread.
    pub log: unsafe extern "C" fn(line: Bytes),
    /// The texts of the environment that the process began with, one after another, each ended by
    /// NUL. The handler's `setenv` changes lists of them, never these, so the module may be started
    /// on any thread.
    pub variables: *const c_char,
    /// How many those are.
    pub variable_count: usize,
}

/// What the module offers. No function is absent; they are options because a file may be damaged.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Services {
    /// [`VERSION`] of this file when the module was built. First for ever.
    pub version: u32,
    /// Called once, before everything else.
    pub start: Option<Start>,
    /// Sends the pings that a ping asks for, waits for them, and writes a record to the log if any
    /// fails or is not allowed.
    pub fan_out: Option<SendPings>,
    /// Called once, on a thread of its own; does not return.
    pub refresh_config: Option<config::Refresh>,
}

/// A ping that asks for more than being answered.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FanOut {
    /// The ping: a JSON object, known to be valid.
    pub ping: Bytes,
    /// What the pings of the fan-out have in common, unless the ping says so itself: UTF-8.
    pub id: Bytes,
    /// The ARN that the ping was sent to, or nothing: UTF-8.
    pub invoked_function_arn: Bytes,
    /// The tenant, or nothing.
    pub tenant_id: Bytes,
    /// When the ping's invocation times out: milliseconds since the Unix epoch, or 0.
    pub deadline_ms: u64,
    /// What is left of the event's budget: [`FULL`] for its first ping, and for each other one what
    /// [`SendPings`] has returned for the ping before.
    pub budget: u32,
}

/// [`FanOut::budget`] of an event's first ping: all that the function's variables allow.
pub const FULL: u32 = u32::MAX;

/// Begins the module.
pub type Start = unsafe extern "C" fn(host: *const Host);

/// Sends pings, and returns what they have left of the budget.
pub type SendPings = unsafe extern "C" fn(fan_out: *const FanOut) -> u32;
