//! The span of an invocation, which the SDK enters around the handler.

use std::sync::Mutex;
use std::sync::PoisonError;

#[cfg(feature = "tokio")]
use tracing::Instrument as _;
#[cfg(feature = "tokio")]
use tracing::Span;
use tracing::span::EnteredSpan;

use crate::Context;

/// The span's target.
pub const TARGET: &str = "pilotlight";

/// The span's name.
pub const NAME: &str = "invocation";

/// The span's field with the request id, named as in the records of Lambda's own runtimes.
pub const REQUEST_ID: &str = "requestId";

/// The request ids of the invocations in flight: one, unless the function allows several at once.
static IN_FLIGHT: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// An invocation's span, which this thread is in until the value is dropped.
pub struct Entered {
    _span: EnteredSpan,
    _in_flight: InFlight,
}

/// Enters the span of the invocation. Its level is ERROR, so that no log level disables it.
pub fn enter(context: &Context) -> Entered {
    let span = tracing::error_span!(
        target: TARGET,
        NAME,
        { REQUEST_ID } = context.request_id(),
        xrayTraceId = context.trace_id(),
        tenantId = context.tenant_id(),
    );
    Entered { _span: span.entered(), _in_flight: InFlight::of(context) }
}

/// Counts an invocation as one in flight until the value is dropped.
pub struct InFlight(String);

impl InFlight {
    /// The invocation of this context.
    pub fn of(context: &Context) -> InFlight {
        let id = context.request_id().to_owned();
        in_flight(|requests| requests.push(id.clone()));
        InFlight(id)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        in_flight(|requests| {
            if let Some(index) = requests.iter().position(|id| *id == self.0) {
                requests.swap_remove(index);
            }
        });
    }
}

/// The request id of the invocation in flight, if there is exactly one: for records outside of any
/// span, on other threads and in tasks.
pub fn only_request_id() -> Option<String> {
    in_flight(|requests| match requests.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    })
}

fn in_flight<R>(use_requests: impl FnOnce(&mut Vec<String>) -> R) -> R {
    use_requests(&mut IN_FLIGHT.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Runs a handler's future by `block_on` with the current span, and keeps the tasks that this
/// thread runs meanwhile out of it: they may be of other invocations.
#[cfg(feature = "tokio")]
pub fn across_awaits<F: Future>(
    future: F,
    block_on: impl FnOnce(tracing::instrument::Instrumented<F>) -> F::Output,
) -> F::Output {
    let span = Span::current();
    let _left = Left::leave(&span);
    block_on(future.instrument(span.clone()))
}

/// A span that this thread has left until the value is dropped.
#[cfg(feature = "tokio")]
struct Left<'a>(&'a Span);

#[cfg(feature = "tokio")]
impl Left<'_> {
    fn leave(span: &Span) -> Left<'_> {
        span.with_subscriber(|(id, subscriber)| subscriber.exit(id));
        Left(span)
    }
}

#[cfg(feature = "tokio")]
impl Drop for Left<'_> {
    fn drop(&mut self) {
        self.0.with_subscriber(|(id, subscriber)| subscriber.enter(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_invocation_in_flight_is_known_without_its_span() {
        assert_eq!(only_request_id(), None);
        let one = Context::for_test().with_request_id("one");
        let two = Context::for_test().with_request_id("two");
        let first = enter(&one);
        assert_eq!(only_request_id().as_deref(), Some("one"));
        let second = InFlight::of(&two);
        assert_eq!(only_request_id(), None);
        drop(first);
        assert_eq!(only_request_id().as_deref(), Some("two"));
        drop(second);
        assert_eq!(only_request_id(), None);
    }

    #[cfg(feature = "tokio")]
    #[test]
    fn tasks_that_run_meanwhile_are_not_in_the_span() {
        tracing::subscriber::with_default(tracing_subscriber::registry(), || {
            let outer = tracing::info_span!("outer");
            let _entered = outer.enter();
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("tokio");
            let work = async {
                let task = tokio::spawn(async { Span::current().is_none() });
                let is_outside = task.await.expect("it ended");
                (is_outside, Span::current().id())
            };
            let (is_outside, inside) = across_awaits(work, |work| runtime.block_on(work));
            assert!(is_outside);
            assert_eq!(inside, outer.id());
            assert_eq!(Span::current().id(), outer.id());
        });
    }
}
