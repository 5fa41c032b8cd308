//! The order of one invocation: next, trace id, call, answer. Nothing else is decided here.

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::convert::Infallible;

use crate::crash;
use crate::environment;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::handler::Handler;
use crate::invocation::Outcome;
use crate::runtime_api::RuntimeApi;

/// Serves invocations until the Runtime API fails.
pub fn run(api: &mut RuntimeApi, handler: &Handler, environment: &Environment) -> Failure {
    let Err(failure) = serve(api, handler, environment);
    failure
}

fn serve(
    api: &mut RuntimeApi,
    handler: &Handler,
    environment: &Environment,
) -> Result<Infallible, Failure> {
    let mut buffer = Vec::new();
    let mut watched = false;
    loop {
        let invocation = api.next(&mut buffer)?;
        if !watched {
            crash::watch_other_signals();
            watched = true;
        }
        let trace_id = invocation.trace_id.and_then(|id| CString::new(id).ok());
        environment::set_trace_id(trace_id.as_deref());
        let answer = handler.call(&invocation, environment);
        match answer.outcome() {
            Outcome::Response(body) => api.respond(&invocation, body)?,
            Outcome::Failure(error) => api.fail(&invocation, &error)?,
        }
    }
}
