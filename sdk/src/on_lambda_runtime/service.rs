//! The services between the crate and the library.
//!
//! The crate parses each event and passes a handler its own types. A layer around it therefore
//! keeps the invocation as it arrived, and sends its number through the crate instead.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;

use lambda_runtime::Diagnostic;
use lambda_runtime::Error;
use lambda_runtime::FunctionResponse;
use lambda_runtime::LambdaEvent;
use lambda_runtime::LambdaInvocation;
use lambda_runtime::Service;
use lambda_runtime::streaming::Body;
use lambda_runtime::tower::Layer;
use pilotlight_abi as abi;
use serde_json::value::RawValue;
use tokio::task;

use super::invocation::Incoming;
use super::library;
use super::library::Library;
use super::stream::Answer;
use super::stream::Sink;

type Response = FunctionResponse<Box<RawValue>, Body>;
type Answering<R, E> = Pin<Box<dyn Future<Output = Result<R, E>> + Send>>;

/// The invocations that have arrived and wait for their handler, by number.
#[derive(Default)]
struct Arrived {
    count: u64,
    waiting: HashMap<u64, Arc<Incoming>>,
}

/// The layer around the crate's own services.
#[derive(Clone)]
pub struct Around {
    library: Library,
    arrived: Arc<Mutex<Arrived>>,
}

impl Around {
    /// A layer for this library.
    pub fn new(library: Library) -> Around {
        Around { library, arrived: Arc::default() }
    }

    /// The innermost service, which calls the handler.
    pub fn handler(&self, handler: abi::Call) -> Handler {
        Handler { handler, arrived: Arc::clone(&self.arrived) }
    }
}

impl<S> Layer<S> for Around {
    type Service = Outer<S>;

    fn layer(&self, inner: S) -> Outer<S> {
        Outer { inner, around: self.clone() }
    }
}

/// The outermost service: keeps the invocation, and runs the library's `after`.
#[derive(Clone)]
pub struct Outer<S> {
    inner: S,
    around: Around,
}

impl<S> Service<LambdaInvocation> for Outer<S>
where
    S: Service<LambdaInvocation, Response = (), Error = Error>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = Error;
    type Future = Answering<(), Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut invocation: LambdaInvocation) -> Self::Future {
        let incoming = Arc::new(Incoming::of(&invocation));
        let number = {
            let mut arrived = lock(&self.around.arrived);
            arrived.count += 1;
            let number = arrived.count;
            arrived.waiting.insert(number, Arc::clone(&incoming));
            number
        };
        invocation.body = number.to_string().into();
        let (answering, library) = (self.inner.call(invocation), self.around.library);
        Box::pin(async move {
            let result = answering.await;
            task::spawn_blocking(move || library.after(&incoming)).await?;
            result
        })
    }
}

/// The innermost service.
#[derive(Clone)]
pub struct Handler {
    handler: abi::Call,
    arrived: Arc<Mutex<Arrived>>,
}

impl Service<LambdaEvent<u64>> for Handler {
    type Response = Response;
    type Error = Diagnostic;
    type Future = Answering<Response, Diagnostic>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Diagnostic>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, event: LambdaEvent<u64>) -> Self::Future {
        let incoming = lock(&self.arrived).waiting.remove(&event.payload);
        let handler = self.handler;
        Box::pin(async move {
            let incoming = incoming.ok_or_else(|| unanswered("the invocation is unknown"))?;
            let (sink, answer) = Sink::new();
            task::spawn_blocking(move || library::call(handler, &incoming, sink));
            match answer.await {
                Ok(Answer::Stream(stream)) => Ok(FunctionResponse::StreamingResponse(stream)),
                Ok(Answer::Whole(result)) => result.and_then(buffered),
                Err(_) => Err(unanswered("the handler has ended without an answer")),
            }
        })
    }
}

/// A response that the crate sends. It sends JSON alone.
fn buffered(bytes: Vec<u8>) -> Result<Response, Diagnostic> {
    let text = String::from_utf8(bytes).map_err(|error| error.to_string());
    let json = text.and_then(|text| RawValue::from_string(text).map_err(|error| error.to_string()));
    let invalid = |error: String| Diagnostic {
        error_type: "InvalidResponse".into(),
        error_message: format!(
            "the response is not JSON, which the crate lambda_runtime asks for: {error}"
        ),
    };
    json.map(FunctionResponse::BufferedResponse).map_err(invalid)
}

fn unanswered(message: &str) -> Diagnostic {
    Diagnostic { error_type: "Error".into(), error_message: message.into() }
}

fn lock(arrived: &Mutex<Arrived>) -> MutexGuard<'_, Arrived> {
    arrived.lock().unwrap_or_else(PoisonError::into_inner)
}
