//! Requests as events, and responses to them, of handlers that [`handler!`](crate::handler!)
//! exports.

use std::error::Error;

use http_body::Body as HttpBody;

use super::Body;
use super::Invocation;
use super::Request;
use super::block_on;
use super::request;
use super::request::Arrived;
use super::response::Origin;
use super::response::respond;
use super::settings::Settings;
use super::settings::Stage;
use crate::Context;
use crate::Error as ChosenError;
use crate::FromEvent;
use crate::IntoResponse;
use crate::ResponseStream;
use crate::failure::Failure;
use crate::handle::EventForm;
use crate::response::Response;

/// The form of events that are HTTP requests.
#[derive(Debug)]
pub struct Http;

impl EventForm for Http {
    type Origin<'a> = Origin<'a>;
}

impl<'a> FromEvent<'a, Http> for http::Request<Body> {
    fn from_event(context: &'a Context) -> Result<(Request, Origin<'a>), Failure> {
        let settings = Settings::get()
            .map_err(|reason| Failure::returned("InvalidSetting".into(), reason.into()))?;
        let arrived = request::request(context.event(), settings.stage)?;
        let Arrived { mut request, front, can_stream } = arrived;
        request.extensions_mut().insert(Invocation::of(context));
        let is_streaming = settings.is_streaming && can_stream;
        let stream = is_streaming.then(|| ResponseStream::of(context));
        Ok((request, Origin { front, stream }))
    }
}

impl<B> IntoResponse<Http> for http::Response<B>
where
    B: HttpBody<Error: Into<Box<dyn Error + Send + Sync>>>,
{
    fn into_response(self, origin: Origin<'_>) -> Result<Response, Failure> {
        block_on(respond(self, origin))
    }
}

/// The request of an event, as a handler gets it, for tests: of a handler with example events, or
/// of an application that reads the request's extensions. Paths have no stage, and there is no
/// [`Invocation`].
///
/// ```
/// let event = br#"{"version": "2.0", "rawPath": "/a", "headers": {"host": "example.org"},
///     "requestContext": {"http": {"method": "GET"}}}"#;
/// let request = pilotlight::http::request_of(event)?;
/// assert_eq!(request.uri(), "https://example.org/a");
/// # Ok::<_, pilotlight::Error>(())
/// ```
///
/// # Errors
/// The event is no HTTP request.
pub fn request_of(event: &[u8]) -> Result<Request, ChosenError> {
    let arrived = request::request(event, Stage::Strip);
    arrived
        .map(|arrived| arrived.request)
        .map_err(|failure| ChosenError::new(failure.error_type, failure.message))
}
