//! `async fn` handlers, on one runtime.
//!
//! A handler's future always runs on the thread that the runtime calls the handler on. The tasks
//! that it spawns run there, too, unless the feature `tokio-multi-thread` is on: a task that
//! nothing awaits continues when the next handler awaits. With the feature, worker threads run
//! tasks at any time. The platform may freeze either between two invocations.

use std::convert::Infallible;
use std::sync::OnceLock;

use tokio::runtime::Builder;
use tokio::runtime::Runtime;

use crate::Context;
use crate::ResponseStream;
use crate::failure::Failure;
use crate::handle::After;
use crate::handle::Handle;
use crate::handle::STREAMED;
use crate::handle::Setup;
use crate::handle::Streamed;
#[cfg(feature = "tracing")]
use crate::invocation_span;

/// The form of an `async fn` with these arguments.
#[derive(Debug)]
pub struct Async<Arguments>(Arguments);

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// The runtime, created by the first call, which is usually that of `prepare`.
fn runtime() -> &'static Runtime {
    RUNTIME.get_or_init(|| {
        #[cfg(feature = "tokio-multi-thread")]
        let mut builder = Builder::new_multi_thread();
        #[cfg(not(feature = "tokio-multi-thread"))]
        let mut builder = Builder::new_current_thread();
        let runtime = builder.enable_all().build();
        runtime.expect("the kernel refused epoll, eventfd or a thread, which a tokio runtime needs")
    })
}

/// Runs a future of a handler on this thread.
pub fn block_on<F: Future>(future: F) -> F::Output {
    #[cfg(feature = "tracing")]
    let output = invocation_span::across_awaits(future, |future| runtime().block_on(future));
    #[cfg(not(feature = "tracing"))]
    let output = runtime().block_on(future);
    output
}

impl<'a, F, E, Fut, R, Err> Handle<'a, Async<(E,)>> for F
where
    F: Fn(E) -> Fut,
    Fut: Future<Output = Result<R, Err>>,
{
    type Event = E;
    type Response = R;
    type Error = Err;

    fn prepare() -> Result<(), Failure> {
        runtime();
        Ok(())
    }

    fn handle(&self, event: E, _: &'a Context) -> Result<R, Err> {
        block_on(self(event))
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

    fn prepare() -> Result<(), Failure> {
        runtime();
        Ok(())
    }

    fn handle(&self, event: E, context: &'a Context) -> Result<R, Err> {
        block_on(self(event, context))
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

    fn prepare() -> Result<(), Failure> {
        runtime();
        Ok(())
    }

    fn handle(&self, event: E, context: &'a Context) -> Result<Streamed, Err> {
        let result = block_on(self(event, ResponseStream::of(context)));
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

    fn prepare() -> Result<(), Failure> {
        runtime();
        Ok(())
    }

    fn handle(&self, event: E, context: &'a Context) -> Result<Streamed, Err> {
        let result = block_on(self(event, ResponseStream::of(context), context));
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
        block_on(self());
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
        block_on(self())
    }
}

impl<'a, F, Fut> After<'a, Async<&'a Context>> for F
where
    F: FnOnce(&'a Context) -> Fut,
    Fut: Future<Output = ()>,
{
    type Error = Infallible;

    fn run(self, context: &'a Context) -> Result<(), Infallible> {
        block_on(self(context));
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
        block_on(self(context))
    }
}
