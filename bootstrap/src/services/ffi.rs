//! Calls into the module, under the rules of `pilotlight_services_abi`. Both sides are ours and of
//! one version.

use core::fmt;
use core::ptr;

use pilotlight_host::environ::Arguments;
use pilotlight_host::map::Host;
use pilotlight_host::map::Library;
use pilotlight_host::sys;
use pilotlight_services_abi as abi;

use crate::invocation::Invocation;

/// The module, which stays mapped.
#[derive(Clone, Copy)]
pub struct Module {
    host: &'static (dyn Host + Sync),
    start: abi::Start,
    fan_out: abi::SendPings,
    refresh_config: abi::config::Refresh,
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Module")
    }
}

impl Module {
    /// Reads the module's table, before any of its code has run. None if its version is another, or
    /// if a pointer is null or leads outside the module's code.
    pub fn read(library: &'static Library, host: &'static (dyn Host + Sync)) -> Option<Module> {
        let entry = usize::try_from(library.entry).ok()?;
        let table: *const abi::Services = ptr::with_exposed_provenance(entry);
        // SAFETY: the loader has checked that the table lies in a segment. Any bytes are a valid
        // table: a number, and pointers that may be null.
        let table = unsafe { table.read_unaligned() };
        if table.version != abi::VERSION {
            return None;
        }
        let (start, fan_out, refresh_config) =
            (table.start?, table.fan_out?, table.refresh_config?);
        for function in [start as usize, fan_out as usize, refresh_config as usize] {
            library.image().code(function as u64)?;
        }
        Some(Module { host, start, fan_out, refresh_config })
    }

    /// Calls the module's `start`. Once, before any other call.
    pub fn start(&self, arguments: &Arguments) {
        let &Arguments { variables, variable_count, .. } = arguments;
        let host = abi::Host { log, variables, variable_count };
        self.host.catch_up();
        // SAFETY: the ABI's rule for `start`.
        unsafe { (self.start)(&raw const host) };
    }

    /// Fetches the values that `host` requests. Does not return; call it once.
    pub fn refresh_config(&self, host: &abi::config::Host) {
        self.host.catch_up();
        // SAFETY: the ABI's rule for `refresh_config`.
        unsafe { (self.refresh_config)(host) };
    }

    /// Sends the pings that a ping asks for, and waits for the answers or the deadline. Takes the
    /// budget of the ping's event, and returns the rest of it.
    pub fn fan_out(&self, ping: &str, id: &str, invocation: &Invocation, budget: u32) -> u32 {
        let fan_out = abi::FanOut {
            ping: abi::Bytes::of(ping.as_bytes()),
            id: abi::Bytes::of(id.as_bytes()),
            invoked_function_arn: abi::Bytes::of(
                invocation.invoked_function_arn.unwrap_or_default(),
            ),
            tenant_id: abi::Bytes::of(invocation.tenant_id.unwrap_or_default()),
            deadline_ms: invocation.deadline_ms.unwrap_or(0),
            budget,
        };
        self.host.catch_up();
        // SAFETY: the ABI's rule for bytes: they live until the call returns.
        unsafe { (self.fan_out)(&raw const fan_out) }
    }
}

/// Writes the module's line to the log.
unsafe extern "C" fn log(line: abi::Bytes) {
    // SAFETY: the ABI's rule for bytes.
    sys::log(unsafe { abi::borrow(line) });
}
