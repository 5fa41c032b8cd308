//! The order of one invocation: `/next`, answer a ping or call the handler, post the outcome, log,
//! call the library's `after`. The only other decision here is the number of workers.
//!
//! A handler's failure is posted to `/error`, and the loop goes on. A handler that crashes is
//! reported by [`crash`], and the process ends. If the Runtime API answers an outcome with 400, 410
//! or 413, that is logged, and the loop goes on; any other error of it ends the loop with a
//! [`Failure`].

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use core::convert::Infallible;

use pilotlight_host::crash;
use pilotlight_host::environ;
use pilotlight_host::integer;
use pilotlight_host::log;
use pilotlight_host::map::Host;

use crate::config;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::handler::Deferred;
use crate::handler::Handler;
use crate::invocation::HandlerError;
use crate::invocation::Outcome;
use crate::runtime_api::RuntimeApi;
use crate::warming;
use crate::warming::Warming;

/// Serves invocations until the Runtime API fails: on this thread, and on one more for each further
/// concurrent invocation that the function allows. `deferred` runs while the first `/next` is in
/// flight.
pub fn run(
    api: &mut RuntimeApi,
    handler: &'static Handler,
    deferred: Deferred,
    environment: &'static Environment,
    warming: &'static Warming<'static>,
    host: &dyn Host,
) -> Failure {
    api.end_init();
    let workers = workers(handler, environment);
    let service = Service { handler, environment, warming, single_worker: workers == 1 };
    let mut deferred = Some(deferred);
    let mut finish = || {
        if let Some(deferred) = deferred.take() {
            deferred.finish();
            crash::watch_other_signals();
        }
    };
    if !service.single_worker {
        finish();
    }
    for running in 1..workers {
        let work = move || match RuntimeApi::new(environment) {
            Ok(mut api) => service.serve(&mut api, &mut || {}).end(),
            Err(failure) => failure.end(),
        };
        if let Err(errno) = host.start_thread(Box::leak(Box::new(work))) {
            log::warn(format_args!("started {running} of {workers} workers ({errno})"));
            break;
        }
    }
    service.serve(api, &mut finish)
}

/// The number of invocations that may run at once.
fn workers(handler: &Handler, environment: &Environment) -> usize {
    let Some(text) = environment.max_concurrency.filter(|text| !text.is_empty()) else {
        return 1;
    };
    let message = match integer::parse_decimal(text) {
        Some(1) => return 1,
        Some(workers @ 2..) if handler.is_concurrent() => return workers,
        Some(2..) => "the handler is not declared thread-safe",
        Some(0) | None => "it must be a positive number",
    };
    let text = alloc::string::String::from_utf8_lossy(text);
    log::warn(format_args!(
        "AWS_LAMBDA_MAX_CONCURRENCY is {text}, but {message}: one invocation at a time"
    ));
    1
}

/// The data that workers share; each of them serves one invocation at a time.
#[derive(Clone, Copy)]
struct Service {
    handler: &'static Handler,
    environment: &'static Environment,
    warming: &'static Warming<'static>,
    /// Whether there is only one worker.
    single_worker: bool,
}

impl Service {
    fn serve(&self, api: &mut RuntimeApi, meanwhile: &mut dyn FnMut()) -> Failure {
        let Err(failure) = self.serve_all(api, meanwhile);
        failure
    }

    fn serve_all(
        &self,
        api: &mut RuntimeApi,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<Infallible, Failure> {
        let mut buffer = Vec::new();
        loop {
            // With several workers, the process is not frozen between invocations.
            if self.single_worker {
                config::STORE.end_invocation();
            }
            let invocation = api.next(&mut buffer, meanwhile)?;
            config::STORE.begin_invocation();
            let warmed = self.warming.answer(&invocation);
            let mut response = api.response(&invocation);
            let warm_count = warming::count();
            let mut called = None;
            let message;
            let outcome = match (&warmed, invocation.unread) {
                (Some(warmed), _) => Outcome::Response(warmed.body),
                (None, Some(size)) => {
                    message = format!("no memory for {size} bytes of the event");
                    Outcome::Failure(HandlerError {
                        error_type: b"Runtime.OutOfMemory",
                        message: message.as_bytes(),
                        stack_trace: b"",
                        is_logged: false,
                    })
                }
                (None, None) => {
                    // The process has one environment: it cannot hold the trace ids of several
                    // workers.
                    if self.single_worker {
                        environ::set_trace_id(invocation.trace_id);
                    }
                    let result =
                        self.handler.call(&invocation, self.environment, warm_count, &mut response);
                    called.insert(result).outcome()
                }
            };
            let posted = match outcome {
                Outcome::Response(body) => response.finish(body),
                Outcome::Failure(error) => {
                    let posted = response.fail(&error);
                    // The caller has its response, and the environment is not frozen before
                    // `/next`.
                    if !error.is_logged {
                        log::failure(error.error_type, error.message, error.stack_trace);
                    }
                    posted
                }
            };
            // As above: after the response, and before `/next`.
            if let Some(warmed) = warmed {
                self.warming.finish(&warmed, &invocation);
            }
            // Releases the outcome first.
            if called.take().is_some() {
                self.handler.after(&invocation, self.environment, warm_count);
            }
            posted?;
        }
    }
}
