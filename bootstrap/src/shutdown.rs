//! Graceful shutdown: on SIGTERM, runs the library's `shutdown` hook, flushes its streams, and
//! exits. Only on request, because Lambda sends SIGTERM only to functions with an extension.

use alloc::boxed::Box;

use pilotlight_host::log;
use pilotlight_host::map::Host;
use pilotlight_host::sigterm::Sigterm;
use pilotlight_host::sys;

use crate::environment::Environment;
use crate::handler::Handler;
use crate::runtime_api::RuntimeApi;

/// Prepares the shutdown if the environment or the library requests it. A failure is only logged:
/// the function works without it.
pub fn prepare(
    api: &mut RuntimeApi,
    handler: &'static Handler,
    environment: &Environment,
    host: &dyn Host,
) {
    let is_requested = match environment.shutdown {
        Some(b"" | b"0") => false,
        Some(_) => true,
        None => handler.has_shutdown(),
    };
    if !is_requested {
        return;
    }
    let sigterm = match Sigterm::new() {
        Ok(sigterm) => sigterm,
        Err(errno) => {
            return log::warn(format_args!("no graceful shutdown: no eventfd ({errno})"));
        }
    };
    if let Err(errno) = host.start_thread(Box::leak(Box::new(move || wait(sigterm, handler)))) {
        log::warn(format_args!("no graceful shutdown: no thread ({errno})"));
        return;
    }
    sigterm.catch();
    if let Err(failure) = api.register_extension() {
        log::warn(format_args!("no graceful shutdown: {}", failure.message));
    }
}

/// Waits for SIGTERM, runs the hook, and exits. The platform kills the process if this takes too
/// long.
fn wait(sigterm: Sigterm, handler: &Handler) {
    sigterm.wait();
    handler.shut_down();
    // Without exit handlers, because the handler may be running on another thread.
    sys::exit_at_once(0);
}
