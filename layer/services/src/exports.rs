//! The border to the bootstrap: what `pilotlight_services_abi` says, kept.

use std::panic;
use std::sync::OnceLock;

use pilotlight_services_abi as abi;

use crate::aws::Client;
use crate::variables::Variables;
use crate::warming::Ping;
use crate::warming::serve;

#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
static pilotlight_services: abi::Services =
    abi::Services { version: abi::VERSION, start: Some(start), fan_out: Some(fan_out) };

/// What the module keeps for as long as the process lives.
struct Started {
    host: abi::Host,
    client: Client,
}

static STARTED: OnceLock<Started> = OnceLock::new();

unsafe extern "C" fn start(host: *const abi::Host) {
    // SAFETY: the ABI's rule for `start`: a valid pointer for the length of the call.
    let host = unsafe { *host };
    let _ = panic::catch_unwind(|| {
        STARTED.get_or_init(|| Started { host, client: Client::new(Variables::read()) });
    });
}

unsafe extern "C" fn fan_out(fan_out: *const abi::FanOut) {
    // SAFETY: the ABI's rule for pointers: valid for the length of the call.
    let fan_out = unsafe { *fan_out };
    let text = |bytes: abi::Bytes| {
        // SAFETY: the ABI's rule for bytes; nothing of them is kept.
        let bytes = unsafe { bytes.borrow() };
        str::from_utf8(bytes).unwrap_or_default()
    };
    let _ = panic::catch_unwind(|| {
        let Some(client) = client() else {
            return;
        };
        let ping = Ping {
            event: text(fan_out.ping),
            id: text(fan_out.id),
            invoked_function_arn: text(fan_out.invoked_function_arn),
            tenant_id: text(fan_out.tenant_id),
            deadline_ms: fan_out.deadline_ms,
        };
        serve(&ping, client);
    });
}

/// Writes one line to the function's log, and ends it.
pub fn log(line: &str) {
    let line = format!("{line}\n");
    if let Some(started) = STARTED.get() {
        // SAFETY: the ABI's rules for `log` and for bytes.
        unsafe { (started.host.log)(abi::Bytes::of(line.as_bytes())) };
    }
}

/// Calls services with the function's role; None before the start.
pub fn client() -> Option<&'static Client> {
    STARTED.get().map(|started| &started.client)
}
