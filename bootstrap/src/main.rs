//! The `bootstrap` executable: what happens, in order, from its start to the loop.

#![no_std]
#![no_main]

extern crate alloc;

#[allow(unsafe_code)]
mod executable;

use pilotlight_bootstrap::crash;
use pilotlight_bootstrap::environment::Environment;
use pilotlight_bootstrap::event_loop;
use pilotlight_bootstrap::failure::Failure;
use pilotlight_bootstrap::handler::Handler;
use pilotlight_bootstrap::libc;
use pilotlight_bootstrap::libc::Process;
use pilotlight_bootstrap::runtime_api::RuntimeApi;

/// Never returns without a failure: the platform ends the process.
fn run(environment: &Environment) -> Failure {
    let mut api = match RuntimeApi::new(environment) {
        Ok(api) => api,
        Err(failure) => return failure,
    };
    crash::watch_faults(libc::locate);
    match Handler::load(environment, &Process) {
        Ok(handler) => event_loop::run(&mut api, &handler, environment),
        Err(failure) => api.fail_init(failure),
    }
}
