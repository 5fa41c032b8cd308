//! The traits of handlers: conversion of events to arguments, and of results to bytes.

use std::convert::Infallible;
use std::fmt::Display;

use serde::Deserialize;
use serde::Serialize;

use crate::Context;
use crate::Raw;
use crate::ResponseStream;
use crate::conversion::ByDiagnostic;
use crate::conversion::ByText;
use crate::failure::Failure;
use crate::lambda_runtime::Diagnostic;
use crate::response::Response;

/// A handler's event: any [`Deserialize`], [`Raw<&[u8]>`](Raw), or with the feature `http` an
/// `http::Request`. The compiler infers `Form`, which tells types of other crates apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a handler's event",
    label = "this handler's event cannot be read from JSON",
    note = "derive serde::Deserialize for it, or take pilotlight::Raw<&[u8]>",
    note = "for HTTP, take a pilotlight::http::Request (feature `http` of the crate `pilotlight`)"
)]
pub trait FromEvent<'a, Form: EventForm>: Sized {
    #[doc(hidden)]
    fn from_event(context: &'a Context) -> Result<(Self, Form::Origin<'a>), Failure>;
}

/// A form of events. (Not an associated type of [`FromEvent`]: the compiler would then report a
/// type that is no event twice.)
#[doc(hidden)]
pub trait EventForm {
    /// The part of an event that its response depends on.
    type Origin<'a>;
}

/// The form of events that are JSON, or bytes.
#[doc(hidden)]
#[derive(Debug)]
pub struct Json;

impl EventForm for Json {
    type Origin<'a> = ();
}

#[diagnostic::do_not_recommend]
impl<'a, E: Deserialize<'a>> FromEvent<'a, Json> for E {
    fn from_event(context: &'a Context) -> Result<(E, ()), Failure> {
        let event = serde_json::from_slice(context.event())
            .map_err(|error| Failure::invalid_event(std::any::type_name::<E>(), &error))?;
        Ok((event, ()))
    }
}

impl<'a> FromEvent<'a, Json> for Raw<&'a [u8]> {
    fn from_event(context: &'a Context) -> Result<(Raw<&'a [u8]>, ()), Failure> {
        Ok((Raw(context.event()), ()))
    }
}

/// A handler's response: any [`Serialize`], or [`Raw`] of any bytes; an `http::Response` to an
/// `http::Request`. The event's type determines `Form`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a handler's response",
    label = "this handler's response cannot be written as JSON",
    note = "derive serde::Serialize for it, or return pilotlight::Raw(bytes)",
    note = "a handler that takes a pilotlight::http::Request, and no other, returns an http::Response"
)]
pub trait IntoResponse<Form: EventForm> {
    #[doc(hidden)]
    fn into_response(self, origin: Form::Origin<'_>) -> Result<Response, Failure>;
}

#[diagnostic::do_not_recommend]
impl<R: Serialize> IntoResponse<Json> for R {
    fn into_response(self, (): ()) -> Result<Response, Failure> {
        let json = serde_json::to_vec(&self);
        json.map(Response::owning).map_err(|error| Failure::invalid_response(&error))
    }
}

impl<T: AsRef<[u8]>> IntoResponse<Json> for Raw<T> {
    fn into_response(self, (): ()) -> Result<Response, Failure> {
        Ok(Response::owning(self.0))
    }
}

/// A handler's error: any [`Display`], or a type with `Into<`[`Diagnostic`]`>`. `By` tells them
/// apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a handler's error",
    label = "this function's error has no message",
    note = "implement std::fmt::Display for it (std::error::Error for its causes), or return pilotlight::Error"
)]
pub trait HandlerError<By = ByText> {}

#[diagnostic::do_not_recommend]
impl<E: Display> HandlerError<ByText> for E {}

#[diagnostic::do_not_recommend]
impl<E: Into<Diagnostic>> HandlerError<ByDiagnostic> for E {}

/// A handler. It has one of these forms, with the feature `tokio` also as `async fn`:
///
/// - `fn(E) -> Result<R, Err>`
/// - `fn(E, &Context) -> Result<R, Err>`
/// - `fn(E, ResponseStream) -> Result<(), Err>`
/// - `fn(E, ResponseStream, &Context) -> Result<(), Err>`
///
/// `E` is a [`FromEvent`], `R` an [`IntoResponse`], `Err` a [`HandlerError`]. The compiler infers
/// `Form`, which tells the forms apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "this function is not a handler",
    note = "a handler is a fn(Event) -> Result<Response, Error> or fn(Event, &Context) -> Result<Response, Error>",
    note = "one that streams is a fn(Event, ResponseStream) -> Result<(), Error>, perhaps with &Context after it",
    note = "Event: serde::Deserialize or Raw<&[u8]>; Response: serde::Serialize or Raw<…>; Error: Display",
    note = "for `async fn`, switch on the feature `tokio` of the crate `pilotlight`"
)]
pub trait Handle<'a, Form> {
    /// The event, which [`handler!`](crate::handler!) requires to be a [`FromEvent`].
    #[doc(hidden)]
    type Event;

    /// The response, which [`handler!`](crate::handler!) requires to be an [`IntoResponse`].
    #[doc(hidden)]
    type Response;

    /// The error, which [`handler!`](crate::handler!) requires to be a [`HandlerError`].
    #[doc(hidden)]
    type Error;

    /// Prepares calls; runs once, after `init` and before the first invocation.
    #[doc(hidden)]
    fn prepare() -> Result<(), Failure> {
        Ok(())
    }

    #[doc(hidden)]
    fn handle(
        &self,
        event: Self::Event,
        context: &'a Context,
    ) -> Result<Self::Response, Self::Error>;
}

impl<'a, F, E, R, Err> Handle<'a, (E,)> for F
where
    F: Fn(E) -> Result<R, Err>,
{
    type Event = E;
    type Response = R;
    type Error = Err;

    fn handle(&self, event: E, _: &'a Context) -> Result<R, Err> {
        self(event)
    }
}

impl<'a, F, E, R, Err> Handle<'a, (E, &'a Context)> for F
where
    F: Fn(E, &'a Context) -> Result<R, Err>,
{
    type Event = E;
    type Response = R;
    type Error = Err;

    fn handle(&self, event: E, context: &'a Context) -> Result<R, Err> {
        self(event, context)
    }
}

/// The rest of the response after a handler has streamed it: no bytes.
pub(crate) type Streamed = Raw<&'static [u8]>;

pub(crate) const STREAMED: Streamed = Raw(b"");

impl<'a, F, E, Err> Handle<'a, (E, ResponseStream<'a>)> for F
where
    F: Fn(E, ResponseStream<'a>) -> Result<(), Err>,
{
    type Event = E;
    type Response = Streamed;
    type Error = Err;

    fn handle(&self, event: E, context: &'a Context) -> Result<Streamed, Err> {
        self(event, ResponseStream::of(context)).map(|()| STREAMED)
    }
}

impl<'a, F, E, Err> Handle<'a, (E, ResponseStream<'a>, &'a Context)> for F
where
    F: Fn(E, ResponseStream<'a>, &'a Context) -> Result<(), Err>,
{
    type Event = E;
    type Response = Streamed;
    type Error = Err;

    fn handle(&self, event: E, context: &'a Context) -> Result<Streamed, Err> {
        self(event, ResponseStream::of(context), context).map(|()| STREAMED)
    }
}

/// A function for `init`, `before_snapshot`, `after_restore` or `shutdown`: a `fn()` or a
/// `fn() -> Result<(), E>`, with the feature `tokio` also as `async fn`. The compiler infers
/// `Form`, which tells the forms apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be `init`, `before_snapshot`, `after_restore` or `shutdown`",
    label = "this function can be none of them",
    note = "each of them is a fn() or a fn() -> Result<(), Error> where Error: Display",
    note = "for `async fn`, switch on the feature `tokio` of the crate `pilotlight`"
)]
pub trait Setup<Form> {
    /// The error, which [`handler!`](crate::handler!) requires to be a [`HandlerError`].
    #[doc(hidden)]
    type Error;

    #[doc(hidden)]
    fn set_up(self) -> Result<(), Self::Error>;
}

impl<F: FnOnce()> Setup<()> for F {
    type Error = Infallible;

    fn set_up(self) -> Result<(), Infallible> {
        self();
        Ok(())
    }
}

impl<F, E> Setup<Result<(), E>> for F
where
    F: FnOnce() -> Result<(), E>,
{
    type Error = E;

    fn set_up(self) -> Result<(), E> {
        self()
    }
}

/// A function for `after`: a `fn()`, a `fn(&Context)`, or one of them that returns
/// `Result<(), E>`; with the feature `tokio` also as `async fn`. The compiler infers `Form`, which
/// tells the forms apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be `after`",
    label = "this function cannot be `after`",
    note = "`after` is a fn() or a fn(&Context), and may return Result<(), Error> where Error: Display",
    note = "for `async fn`, switch on the feature `tokio` of the crate `pilotlight`"
)]
pub trait After<'a, Form> {
    /// The error, which [`handler!`](crate::handler!) requires to be a [`HandlerError`].
    #[doc(hidden)]
    type Error;

    #[doc(hidden)]
    fn run(self, context: &'a Context) -> Result<(), Self::Error>;
}

impl<'a, F, Form> After<'a, (Form,)> for F
where
    F: Setup<Form>,
{
    type Error = F::Error;

    fn run(self, _: &'a Context) -> Result<(), F::Error> {
        self.set_up()
    }
}

impl<'a, F: FnOnce(&'a Context)> After<'a, &'a Context> for F {
    type Error = Infallible;

    fn run(self, context: &'a Context) -> Result<(), Infallible> {
        self(context);
        Ok(())
    }
}

impl<'a, F, E> After<'a, Result<&'a Context, E>> for F
where
    F: FnOnce(&'a Context) -> Result<(), E>,
{
    type Error = E;

    fn run(self, context: &'a Context) -> Result<(), E> {
        self(context)
    }
}
