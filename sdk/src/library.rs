//! The Rust side of the handler ABI: the only place where outcomes are filled in.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use pilotlight_abi as abi;

use crate::Context;
use crate::answer::Answer;
use crate::answer::release;
use crate::config;
use crate::failure;
use crate::failure::Failure;
use crate::handle::Handle;
use crate::handle::Setup;

/// Calls a handler, perhaps on several threads at once: so its type is to be `Sync`.
///
/// # Safety
/// The runtime's promises of the ABI: both pointers are valid, what the invocation borrows lives
/// until the outcome is released. `scope` lives no longer than the caller's frame, so that no handler
/// can ask for more.
pub unsafe fn call<'a, Form, H: Handle<'a, Form> + Sync>(
    invocation: *const abi::Invocation,
    outcome: *mut abi::Outcome,
    handler: H,
    _scope: &'a (),
) -> i32 {
    // SAFETY: as the function's own contract.
    let context: &'a Context = unsafe { Context::borrow(invocation) };
    config::set_deadline(context.deadline_ms());
    // Nothing of the handler's is looked at after a panic but what it keeps in statics, which it
    // would have to make panic-safe for its own threads, too.
    let result = catch_unwind(AssertUnwindSafe(|| handler.handle(context)));
    let result = result.unwrap_or_else(|payload| Err(Failure::panicked(&*payload)));
    let (filled, code) = match result {
        Ok(answer) => (respond(answer), abi::RESPONSE),
        Err(failure) => (fail(failure), abi::FAILURE),
    };
    // SAFETY: as the function's own contract.
    unsafe { outcome.write(filled) };
    code
}

/// Makes what a handler's form needs, before the first invocation.
pub fn prepare<'a, Form, H: Handle<'a, Form>>(_handler: H) {
    H::prepare();
}

/// The library's start-up work: panics are observed from now on, and `setup` runs.
///
/// # Safety
/// The runtime's promise of the ABI: the pointer is valid.
pub unsafe fn initialise<Form>(outcome: *mut abi::Outcome, setup: impl Setup<Form>) -> i32 {
    failure::observe_panics();
    let result = catch_unwind(AssertUnwindSafe(|| setup.set_up()));
    match result.unwrap_or_else(|payload| Err(Failure::panicked(&*payload))) {
        Ok(()) => abi::RESPONSE,
        Err(failure) => {
            // SAFETY: as the function's own contract.
            unsafe { outcome.write(fail(failure)) };
            abi::FAILURE
        }
    }
}

/// Runs the library's last work. A panic ends it, and its hook has logged it.
pub fn shut_down<Form>(hook: impl Setup<Form>) {
    let _ = catch_unwind(AssertUnwindSafe(|| hook.set_up()));
}

fn respond(answer: Answer) -> abi::Outcome {
    abi::Outcome {
        response: answer.bytes,
        owner: answer.owner,
        release: Some(answer.release),
        ..abi::Outcome::EMPTY
    }
}

fn fail(failure: Failure) -> abi::Outcome {
    let failure = Box::new(failure);
    abi::Outcome {
        error_type: abi::Bytes::of(failure.error_type.as_bytes()),
        error_message: abi::Bytes::of(failure.message.as_bytes()),
        stack_trace: abi::Bytes::of(failure.stack_trace.as_bytes()),
        release: Some(release::<Failure>),
        owner: Box::into_raw(failure).cast(),
        ..abi::Outcome::EMPTY
    }
}
