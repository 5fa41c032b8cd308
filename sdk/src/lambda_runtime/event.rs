//! The event with its context.

use super::context::Context;
use crate::FromEvent;
use crate::failure::Failure;
use crate::handle::EventForm;

/// An event and the context of its invocation: the one argument of a function that was written for
/// `lambda_runtime`.
#[derive(Clone, Debug)]
pub struct LambdaEvent<T> {
    /// The event.
    pub payload: T,
    /// The context.
    pub context: Context,
}

impl<T> LambdaEvent<T> {
    /// An event with this context.
    pub fn new(payload: T, context: Context) -> LambdaEvent<T> {
        LambdaEvent { payload, context }
    }

    /// The event and the context.
    pub fn into_parts(self) -> (T, Context) {
        (self.payload, self.context)
    }
}

impl<'a, T: FromEvent<'a, Form>, Form: EventForm> FromEvent<'a, Form> for LambdaEvent<T> {
    fn from_event(
        context: &'a crate::Context,
    ) -> Result<(LambdaEvent<T>, Form::Origin<'a>), Failure> {
        let (payload, origin) = T::from_event(context)?;
        Ok((LambdaEvent::new(payload, context.into()), origin))
    }
}
