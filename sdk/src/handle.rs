//! Which functions are handlers, and how bytes become their arguments and results become bytes.

use std::fmt::Display;

use serde::Deserialize;
use serde::Serialize;

use crate::Context;
use crate::Raw;
use crate::ResponseStream;
use crate::answer::Answer;
use crate::failure::Failure;

/// What a handler may take: any [`Deserialize`], or [`Raw<&[u8]>`](Raw).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a handler's event",
    note = "derive serde::Deserialize for it, or take pilotlight::Raw<&[u8]>"
)]
pub trait FromEvent<'a>: Sized {
    #[doc(hidden)]
    fn from_event(event: &'a [u8]) -> Result<Self, Failure>;
}

impl<'a, E: Deserialize<'a>> FromEvent<'a> for E {
    fn from_event(event: &'a [u8]) -> Result<E, Failure> {
        serde_json::from_slice(event)
            .map_err(|error| Failure::invalid_event(std::any::type_name::<E>(), &error))
    }
}

impl<'a> FromEvent<'a> for Raw<&'a [u8]> {
    fn from_event(event: &'a [u8]) -> Result<Raw<&'a [u8]>, Failure> {
        Ok(Raw(event))
    }
}

/// What a handler may return: any [`Serialize`], or [`Raw`] of anything that holds bytes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a handler's response",
    note = "derive serde::Serialize for it, or return pilotlight::Raw(bytes)"
)]
pub trait IntoResponse {
    #[doc(hidden)]
    fn into_response(self) -> Result<Answer, Failure>;
}

impl<R: Serialize> IntoResponse for R {
    fn into_response(self) -> Result<Answer, Failure> {
        let json = serde_json::to_vec(&self);
        json.map(Answer::holding).map_err(|error| Failure::invalid_response(&error))
    }
}

impl<T: AsRef<[u8]>> IntoResponse for Raw<T> {
    fn into_response(self) -> Result<Answer, Failure> {
        Ok(Answer::holding(self.0))
    }
}

/// A handler: `fn(E) -> Result<R, Err>` or `fn(E, &Context) -> Result<R, Err>`; one that streams is
/// `fn(E, ResponseStream) -> Result<(), Err>` or `fn(E, ResponseStream, &Context) -> Result<(), Err>`;
/// with the feature `tokio` the same as `async fn`. `Form` tells these forms apart, and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    note = "a handler is a fn(Event) -> Result<Response, Error> or fn(Event, &Context) -> Result<Response, Error>",
    note = "one that streams is a fn(Event, ResponseStream) -> Result<(), Error>, perhaps with &Context behind",
    note = "Event: serde::Deserialize or Raw<&[u8]>; Response: serde::Serialize or Raw<…>; Error: Display",
    note = "for `async fn`, switch on the feature `tokio` of the crate `pilotlight`"
)]
pub trait Handle<'a, Form> {
    /// Work to be done once, before the first invocation.
    #[doc(hidden)]
    fn prepare() {}

    #[doc(hidden)]
    fn handle(&self, context: &'a Context) -> Result<Answer, Failure>;
}

pub(crate) fn answer<R: IntoResponse, E: Display>(result: Result<R, E>) -> Result<Answer, Failure> {
    match result {
        Ok(response) => response.into_response(),
        Err(error) => Err(Failure::returned(&error)),
    }
}

impl<'a, F, E, R, Err> Handle<'a, (E,)> for F
where
    F: Fn(E) -> Result<R, Err>,
    E: FromEvent<'a>,
    R: IntoResponse,
    Err: Display,
{
    fn handle(&self, context: &'a Context) -> Result<Answer, Failure> {
        answer(self(E::from_event(context.event())?))
    }
}

impl<'a, F, E, R, Err> Handle<'a, (E, &'a Context)> for F
where
    F: Fn(E, &'a Context) -> Result<R, Err>,
    E: FromEvent<'a>,
    R: IntoResponse,
    Err: Display,
{
    fn handle(&self, context: &'a Context) -> Result<Answer, Failure> {
        answer(self(E::from_event(context.event())?, context))
    }
}

/// What a handler that has streamed answers in the end.
pub(crate) fn end<E: Display>(result: Result<(), E>) -> Result<Answer, Failure> {
    answer(result.map(|()| Raw(b"")))
}

impl<'a, F, E, Err> Handle<'a, (E, ResponseStream<'a>)> for F
where
    F: Fn(E, ResponseStream<'a>) -> Result<(), Err>,
    E: FromEvent<'a>,
    Err: Display,
{
    fn handle(&self, context: &'a Context) -> Result<Answer, Failure> {
        end(self(E::from_event(context.event())?, ResponseStream::of(context)))
    }
}

impl<'a, F, E, Err> Handle<'a, (E, ResponseStream<'a>, &'a Context)> for F
where
    F: Fn(E, ResponseStream<'a>, &'a Context) -> Result<(), Err>,
    E: FromEvent<'a>,
    Err: Display,
{
    fn handle(&self, context: &'a Context) -> Result<Answer, Failure> {
        end(self(E::from_event(context.event())?, ResponseStream::of(context), context))
    }
}

/// What `init` may be: a `fn()` or a `fn() -> Result<(), E>`, and with the feature `tokio` the same
/// as `async fn`. `Form` tells these forms apart, and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be `init`",
    note = "`init` is a fn() or a fn() -> Result<(), Error> where Error: Display"
)]
pub trait Setup<Form> {
    #[doc(hidden)]
    fn set_up(self) -> Result<(), Failure>;
}

impl<F: FnOnce()> Setup<()> for F {
    fn set_up(self) -> Result<(), Failure> {
        self();
        Ok(())
    }
}

impl<F, E> Setup<Result<(), E>> for F
where
    F: FnOnce() -> Result<(), E>,
    E: Display,
{
    fn set_up(self) -> Result<(), Failure> {
        self().map_err(|error| Failure::returned(&error))
    }
}
