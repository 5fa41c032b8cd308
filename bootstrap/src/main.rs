//! The `bootstrap` executable: the steps from its start to the event loop, in order.

#![no_std]
#![no_main]

extern crate alloc;

#[allow(unsafe_code)] // The entry point and the allocator.
mod executable;

use alloc::boxed::Box;

use pilotlight_bootstrap::callbacks;
use pilotlight_bootstrap::config;
use pilotlight_bootstrap::environment::Environment;
use pilotlight_bootstrap::event_loop;
use pilotlight_bootstrap::failure::Failure;
use pilotlight_bootstrap::handler::Handler;
use pilotlight_bootstrap::runtime_api::RuntimeApi;
use pilotlight_bootstrap::services::Services;
use pilotlight_bootstrap::shutdown;
use pilotlight_bootstrap::snapshot;
use pilotlight_bootstrap::warming::Warming;
use pilotlight_host::crash;
use pilotlight_host::libc;
use pilotlight_host::libc::Process;
use pilotlight_host::log;

/// The layer's module that talks to AWS.
static SERVICES: Services = Services::new(&Process);

/// Serves invocations. Returns only after a failure: otherwise the platform ends the process.
fn run(environment: &'static Environment) -> Failure {
    log::configure(environment.log_format, environment.log_level);
    let mut api = match RuntimeApi::new(environment) {
        Ok(api) => api,
        Err(failure) => return failure,
    };
    api.begin_init();
    libc::prepare_first_thread();
    crash::watch_faults(libc::locate);
    if let Some(margin_ms) = environment.time_out_margin() {
        crash::report_time_outs(margin_ms, &libc::WALKER);
    }
    config::fetch_with(&SERVICES, &Process, environment);
    match Handler::load(environment, &Process, callbacks::table()) {
        Ok((handler, deferred)) => {
            shutdown::prepare(&mut api, handler, environment, &Process);
            if let Err(failure) = snapshot::pass(&mut api, handler, environment) {
                return failure;
            }
            let warming = Box::leak(Box::new(Warming::new(environment, &SERVICES)));
            event_loop::run(&mut api, handler, deferred, environment, warming, &Process)
        }
        Err(failure) => api.fail_init(failure),
    }
}
