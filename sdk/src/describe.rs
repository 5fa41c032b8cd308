//! Conversion of a handler's error to `errorType` and `errorMessage`, by the error's type.
//!
//! A handler's error is any [`Display`]. An [`Error`], or a box that holds one, has causes too. No
//! common trait tells these apart, so `handler!` does it where the type is known, by autoref
//! specialisation: it calls `describe` on a reference to a reference to a reference to an
//! [`ErrorOf`], and the compiler selects the applicable implementation with the most references.

use std::any::type_name;
use std::error::Error;
use std::fmt::Display;
use std::marker::PhantomData;
use std::ops::Deref;

use crate::Error as ChosenError;
use crate::failure::Failure;
use crate::type_name::error_type;

/// The maximum number of causes in an `errorMessage`. An error may be its own cause, without end.
const MAX_CAUSES: usize = 64;

/// Converts an error of one type.
pub type Describe<E> = fn(&E) -> Failure;

/// Represents an error type.
#[derive(Debug)]
pub struct ErrorOf<E>(PhantomData<fn(&E)>);

impl<E> Clone for ErrorOf<E> {
    fn clone(&self) -> ErrorOf<E> {
        *self
    }
}

impl<E> Copy for ErrorOf<E> {}

impl<E> ErrorOf<E> {
    pub(crate) const fn new() -> ErrorOf<E> {
        ErrorOf(PhantomData)
    }
}

/// An [`Error`](ChosenError), whose type the handler has chosen.
pub trait DescribeChosen {
    /// The conversion.
    fn describe(self) -> Describe<ChosenError>;
}

impl DescribeChosen for &&&&ErrorOf<ChosenError> {
    fn describe(self) -> Describe<ChosenError> {
        |error| from_unknown(error)
    }
}

/// `Box<dyn Error>`, `anyhow::Error` and the like, which hold an error of an unknown type.
pub trait DescribeHolder<E> {
    /// The conversion.
    fn describe(self) -> Describe<E>;
}

impl<E: Deref<Target: AsError>> DescribeHolder<E> for &&&ErrorOf<E> {
    fn describe(self) -> Describe<E> {
        |error| from_unknown(error.as_error())
    }
}

/// An error with causes.
pub trait DescribeError<E> {
    /// The conversion.
    fn describe(self) -> Describe<E>;
}

impl<E: Error> DescribeError<E> for &&ErrorOf<E> {
    fn describe(self) -> Describe<E> {
        |error| from_error(error)
    }
}

/// Any other [`Display`]. It is formatted in the alternate form, because that is where error
/// libraries show all causes in one line.
pub trait DescribeText<E> {
    /// The conversion.
    fn describe(self) -> Describe<E>;
}

impl<E: Display> DescribeText<E> for &ErrorOf<E> {
    fn describe(self) -> Describe<E> {
        |error| Failure::returned(error_type(type_name::<E>()), format!("{error:#}"))
    }
}

/// An error without [`Display`]. It has a `Diagnostic`, which then converts it, or the compiler
/// refuses it where the handler is called; this implementation prevents a second message for the
/// same mistake.
pub trait DescribeNothing<E> {
    /// The conversion.
    fn describe(self) -> Describe<E>;
}

impl<E> DescribeNothing<E> for ErrorOf<E> {
    fn describe(self) -> Describe<E> {
        |_| Failure::returned("Error".into(), String::new())
    }
}

/// The target of a box that holds an error of an unknown type.
pub trait AsError {
    fn as_error(&self) -> &(dyn Error + 'static);
}

impl AsError for dyn Error {
    fn as_error(&self) -> &(dyn Error + 'static) {
        self
    }
}

impl AsError for dyn Error + Send {
    fn as_error(&self) -> &(dyn Error + 'static) {
        self
    }
}

impl AsError for dyn Error + Send + Sync {
    fn as_error(&self) -> &(dyn Error + 'static) {
        self
    }
}

impl AsError for ChosenError {
    fn as_error(&self) -> &(dyn Error + 'static) {
        self
    }
}

/// Converts an error by its type.
pub fn from_error<E: Error>(error: &E) -> Failure {
    Failure::returned(error_type(type_name::<E>()), with_causes(error))
}

/// Converts an error of an unknown type. Its `errorType` is that of the first
/// [`Error`](ChosenError) among it and its causes.
pub fn from_unknown(error: &(dyn Error + 'static)) -> Failure {
    let mut errors = std::iter::once(error).chain(causes(error));
    let chosen = errors.find_map(|error| error.downcast_ref::<ChosenError>());
    let error_type = chosen.map_or("Error", ChosenError::error_type);
    Failure::returned(error_type.into(), with_causes(error))
}

fn causes<'e>(error: &'e (dyn Error + '_)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source()).take(MAX_CAUSES)
}

/// The messages of an error and of its causes, without those that an earlier message contains.
pub fn with_causes(error: &(dyn Error + '_)) -> String {
    let mut message = error.to_string();
    for cause in causes(error) {
        let cause = cause.to_string();
        if !message.contains(&cause) {
            message.push_str(if message.is_empty() { "" } else { ": " });
            message.push_str(&cause);
        }
    }
    message
}
