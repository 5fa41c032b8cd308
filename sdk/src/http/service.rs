//! A service that is called for each request.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::Context;
use std::task::Poll;

use bytes::Buf;
use bytes::Bytes;
use http_body::Body as HttpBody;
use http_body::Frame;
use http_body::SizeHint;
use tower_service::Service;

use super::Request;
use super::block_on;
use crate::Handle;
use crate::describe;
use crate::failure::Failure;

/// The error of any service.
pub type AnyError = Box<dyn Error + Send + Sync>;
type Answer = Pin<Box<dyn Future<Output = Result<http::Response<ErasedBody>, AnyError>>>>;

/// The handler that [`http!`](crate::http!) exports: it has a service, and makes it.
pub trait Application {
    /// The place of the service.
    fn endpoint() -> &'static Endpoint;

    /// Makes the service, and sets it.
    fn make() -> Result<(), AnyError>;
}

/// The form of an [`Application`].
#[derive(Debug)]
pub struct Called;

impl<'a, A: Application> Handle<'a, Called> for A {
    type Event = Request;
    type Response = http::Response<ErasedBody>;
    type Error = AnyError;

    fn prepare() -> Result<(), Failure> {
        A::make().map_err(|error| describe::from_unknown(&*error))
    }

    fn handle(&self, request: Request, _: &'a crate::Context) -> Result<Self::Response, AnyError> {
        A::endpoint().call(request)
    }
}

/// The service that [`http!`](crate::http!) exports.
#[derive(Default)]
pub struct Endpoint(OnceLock<Box<dyn Fn(Request) -> Answer + Send + Sync>>);

impl Endpoint {
    /// An endpoint without a service.
    pub const fn new() -> Endpoint {
        Endpoint(OnceLock::new())
    }

    /// Sets the service that `make` results in.
    ///
    /// # Errors
    /// `make` has failed.
    pub fn set<S, B>(&self, make: impl Future<Output = Result<S, AnyError>>) -> Result<(), AnyError>
    where
        S: Service<Request, Response = http::Response<B>, Error: Into<AnyError>>,
        S: Clone + Send + Sync + 'static,
        B: HttpBody<Error: Into<AnyError>> + 'static,
    {
        let service = block_on(make)?;
        let call = move |request| -> Answer { Box::pin(call(service.clone(), request)) };
        // There is one `init`, so there is no other service.
        self.0.get_or_init(|| Box::new(call));
        Ok(())
    }

    /// Calls the service.
    ///
    /// # Errors
    /// The service has failed.
    pub fn call(&self, request: Request) -> Result<http::Response<ErasedBody>, AnyError> {
        let call = self.0.get().ok_or("there is no service, because `init` has not run")?;
        block_on(call(request))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").finish_non_exhaustive()
    }
}

async fn call<S, B>(
    mut service: S,
    request: Request,
) -> Result<http::Response<ErasedBody>, AnyError>
where
    S: Service<Request, Response = http::Response<B>, Error: Into<AnyError>>,
    B: HttpBody<Error: Into<AnyError>> + 'static,
{
    poll_fn(|context| service.poll_ready(context)).await.map_err(Into::into)?;
    let response = service.call(request).await.map_err(Into::into)?;
    Ok(response.map(|body| ErasedBody(Box::pin(body))))
}

/// The body of any service's response.
pub struct ErasedBody(Pin<Box<dyn ErasedFrames>>);

impl fmt::Debug for ErasedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErasedBody").finish_non_exhaustive()
    }
}

impl HttpBody for ErasedBody {
    type Data = Bytes;
    type Error = AnyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnyError>>> {
        self.0.as_mut().poll_erased(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size()
    }
}

/// A body whose types of data and errors are erased.
trait ErasedFrames {
    fn poll_erased(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnyError>>>;
    fn is_end(&self) -> bool;
    fn size(&self) -> SizeHint;
}

impl<B: HttpBody<Error: Into<AnyError>>> ErasedFrames for B {
    fn poll_erased(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnyError>>> {
        let bytes = |mut data: B::Data| data.copy_to_bytes(data.remaining());
        let frame = self.poll_frame(context);
        frame.map(|frame| Some(frame?.map(|frame| frame.map_data(bytes)).map_err(Into::into)))
    }

    fn is_end(&self) -> bool {
        self.is_end_stream()
    }

    fn size(&self) -> SizeHint {
        self.size_hint()
    }
}
