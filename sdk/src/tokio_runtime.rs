//! `async fn` handlers, on one current-thread runtime.
//!
//! The runtime runs while a handler does: a task that a handler spawned and did not await goes on
//! in the next invocation, as the execution environment itself may be frozen in between.

use std::fmt::Display;
use std::sync::OnceLock;

use tokio::runtime::Builder;
use tokio::runtime::Runtime;

use crate::Context;
use crate::ResponseStream;
use crate::answer::Answer;
use crate::failure::Failure;
use crate::handle::FromEvent;
use crate::handle::Handle;
use crate::handle::IntoResponse;
use crate::handle::Setup;
use crate::handle::answer;
use crate::handle::end;

/// The form of an `async fn` with these arguments.
#[derive(Debug)]
pub struct Async<Arguments>(Arguments);

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// The runtime; made once, by `prepare` as a rule.
fn runtime() -> &'static Runtime {
    RUNTIME.get_or_init(|| {
        let made = Builder::new_current_thread().enable_all().build();
        made.expect("the system refuses what a tokio runtime needs (epoll, eventfd)")
    })
}

impl<'a, F, E, Fut, R, Err> Handle<'a, Async<(E,)>> for F
where
    F: Fn(E) -> Fut,
    Fut: Future<Output = Result<R, Err>>,
    E: FromEvent<'a>,
    R: IntoResponse,
    Err: Display,
{
    fn prepare() {
        runtime();
    }

    fn handle(&self, context: &'a Context) -> Result<Answer, Failure> {
        answer(runtime().block_on(self(E::from_event(context.event())?)))
    }
}

impl<'a, F, E, Fut, R, Err> Handle<'a, Async<(E, &'a Context)>> for F
where
    F: Fn(E, &'a Context) -> Fut,
    Fut: Future<Output = Result<R, Err>>,
    E: FromEvent<'a>,
    R: IntoResponse,
    Err: Display,
{
    fn prepare() {
        runtime();
    }

    fn handle(&self, context: &'a Context) -> Result<Answer, Failure> {
        answer(runtime().block_on(self(E::from_event(context.event())?, context)))
    }
}

impl<'a, F, E, Fut, Err> Handle<'a, Async<(E, ResponseStream<'a>)>> for F
where
    F: Fn(E, ResponseStream<'a>) -> Fut,
    Fut: Future<Output = Result<(), Err>>,
    E: FromEvent<'a>,
    Err: Display,
{
    fn prepare() {
        runtime();
    }

    fn handle(&self, context: &'a Context) -> Result<Answer, Failure> {
        let event = E::from_event(context.event())?;
        end(runtime().block_on(self(event, ResponseStream::of(context))))
    }
}

impl<'a, F, E, Fut, Err> Handle<'a, Async<(E, ResponseStream<'a>, &'a Context)>> for F
where
    F: Fn(E, ResponseStream<'a>, &'a Context) -> Fut,
    Fut: Future<Output = Result<(), Err>>,
    E: FromEvent<'a>,
    Err: Display,
{
    fn prepare() {
        runtime();
    }

    fn handle(&self, context: &'a Context) -> Result<Answer, Failure> {
        let event = E::from_event(context.event())?;
        end(runtime().block_on(self(event, ResponseStream::of(context), context)))
    }
}

impl<F, Fut> Setup<Async<()>> for F
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = ()>,
{
    fn set_up(self) -> Result<(), Failure> {
        runtime().block_on(self());
        Ok(())
    }
}

impl<F, Fut, E> Setup<Async<Result<(), E>>> for F
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Display,
{
    fn set_up(self) -> Result<(), Failure> {
        runtime().block_on(self()).map_err(|error| Failure::returned(&error))
    }
}
