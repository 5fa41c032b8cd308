//! `async fn` handlers, on one current-thread runtime.
//!
//! The runtime runs only while a handler runs: a task that a handler spawned and did not await
//! continues in the next invocation. The execution environment may be frozen in between, too.

use std::convert::Infallible;
use std::sync::OnceLock;

use tokio::runtime::Builder;
use tokio::runtime::Runtime;

use crate::Context;
use crate::ResponseStream;
use crate::handle::After;
use crate::handle::Handle;
use crate::handle::STREAMED;
use crate::handle::Setup;
use crate::handle::Streamed;

/// The form of an `async fn` with these arguments.
#[derive(Debug)]
pub struct Async<Arguments>(Arguments);

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// The runtime, created by the first call, which is usually that of `prepare`.
fn runtime() -> &'static Runtime {
    RUNTIME.get_or_init(|| {
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.expect("the kernel refused epoll or eventfd, which a tokio runtime needs")
    })
}

impl<'a, F, E, Fut, R, Err> Handle<'a, Async<(E,)>> for F
where
    F: Fn(E) -> Fut,
    Fut: Future<Output = Result<R, Err>>,
{
    type Event = E;
    type Response = R;
    type Error = Err;

    fn prepare() {
        runtime();
    }

    fn handle(&self, event: E, _: &'a Context) -> Result<R, Err> {
        runtime().block_on(self(event))
    }
}

impl<'a, F, E, Fut, R, Err> Handle<'a, Async<(E, &'a Context)>> for F
where
    F: Fn(E, &'a Context) -> Fut,
    Fut: Future<Output = Result<R, Err>>,
{
    type Event = E;
    type Response = R;
    type Error = Err;

    fn prepare() {
        runtime();
    }

    fn handle(&self, event: E, context: &'a Context) -> Result<R, Err> {
        runtime().block_on(self(event, context))
    }
}

impl<'a, F, E, Fut, Err> Handle<'a, Async<(E, ResponseStream<'a>)>> for F
where
    F: Fn(E, ResponseStream<'a>) -> Fut,
    Fut: Future<Output = Result<(), Err>>,
{
    type Event = E;
    type Response = Streamed;
    type Error = Err;

    fn prepare() {
        runtime();
    }

    fn handle(&self, event: E, context: &'a Context) -> Result<Streamed, Err> {
        let result = runtime().block_on(self(event, ResponseStream::of(context)));
        result.map(|()| STREAMED)
    }
}

impl<'a, F, E, Fut, Err> Handle<'a, Async<(E, ResponseStream<'a>, &'a Context)>> for F
where
    F: Fn(E, ResponseStream<'a>, &'a Context) -> Fut,
    Fut: Future<Output = Result<(), Err>>,
{
    type Event = E;
    type Response = Streamed;
    type Error = Err;

    fn prepare() {
        runtime();
    }

    fn handle(&self, event: E, context: &'a Context) -> Result<Streamed, Err> {
        let result = runtime().block_on(self(event, ResponseStream::of(context), context));
        result.map(|()| STREAMED)
    }
}

impl<F, Fut> Setup<Async<()>> for F
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = ()>,
{
    type Error = Infallible;

    fn set_up(self) -> Result<(), Infallible> {
        runtime().block_on(self());
        Ok(())
    }
}

impl<F, Fut, E> Setup<Async<Result<(), E>>> for F
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = Result<(), E>>,
{
    type Error = E;

    fn set_up(self) -> Result<(), E> {
        runtime().block_on(self())
    }
}

impl<'a, F, Fut> After<'a, Async<&'a Context>> for F
where
    F: FnOnce(&'a Context) -> Fut,
    Fut: Future<Output = ()>,
{
    type Error = Infallible;

    fn run(self, context: &'a Context) -> Result<(), Infallible> {
        runtime().block_on(self(context));
        Ok(())
    }
}

impl<'a, F, Fut, E> After<'a, Async<Result<&'a Context, E>>> for F
where
    F: FnOnce(&'a Context) -> Fut,
    Fut: Future<Output = Result<(), E>>,
{
    type Error = E;

    fn run(self, context: &'a Context) -> Result<(), E> {
        runtime().block_on(self(context))
    }
}
