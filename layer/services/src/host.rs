//! Process-wide state that `start` sets: the bootstrap's log function, and the client of AWS.

use std::sync::OnceLock;

use pilotlight_services_abi as abi;

use crate::aws::Client;
use crate::variables::Variables;

/// Writes one line to the function's log.
type Log = unsafe extern "C" fn(line: abi::Bytes);

struct Started {
    log: Log,
    client: Client,
}

static STARTED: OnceLock<Started> = OnceLock::new();

/// Keeps `log`, and a client of this environment, for as long as the process lives. Calls after the
/// first have no effect.
///
/// # Safety
/// `log` keeps the ABI's rules for [`abi::Host::log`] as long as the process lives.
pub unsafe fn start(log: Log, variables: Variables) {
    STARTED.get_or_init(|| Started { log, client: Client::new(variables) });
}

/// Writes one line to the function's log, and ends it. Does nothing before the start.
pub fn log(line: &str) {
    let line = format!("{line}\n");
    if let Some(started) = STARTED.get() {
        // SAFETY: `start`'s caller promises the ABI's rules; the bytes live until the call returns.
        unsafe { (started.log)(abi::Bytes::of(line.as_bytes())) };
    }
}

/// Calls services with the function's role; None before the start.
pub fn client() -> Option<&'static Client> {
    STARTED.get().map(|started| &started.client)
}
