//! Conversion of a handler's error: by its [`Diagnostic`] if it has one, otherwise as
//! [`describe`](crate::describe) does.
//!
//! `handler!` selects by autoref specialisation, as that module explains.

use std::marker::PhantomData;

use crate::describe::Describe;
use crate::failure::Failure;
use crate::lambda_runtime::Diagnostic;

/// Converts by `Into<Diagnostic>`.
#[derive(Debug)]
pub struct ByDiagnostic;

/// Converts by [`Display`](std::fmt::Display).
#[derive(Debug)]
pub struct ByText;

/// Converts an error of one type. `By` is `ByDiagnostic` or `ByText`.
#[derive(Debug)]
pub struct Conversion<E, By> {
    describe: Describe<E>,
    convert: fn(E, Describe<E>) -> Failure,
    by: PhantomData<By>,
}

impl<E> Conversion<E, ByText> {
    /// Converts by `describe`.
    pub fn new(describe: Describe<E>) -> Conversion<E, ByText> {
        Conversion { describe, convert: |error, describe| describe(&error), by: PhantomData }
    }
}

impl<E, By> Conversion<E, By> {
    /// The failure of an invocation with this error.
    pub fn convert(&self, error: E) -> Failure {
        (self.convert)(error, self.describe)
    }
}

/// An error with a [`Diagnostic`].
pub trait ConvertDiagnostic<E> {
    /// The conversion.
    fn select(self) -> Conversion<E, ByDiagnostic>;
}

impl<E: Into<Diagnostic>> ConvertDiagnostic<E> for &&Conversion<E, ByText> {
    fn select(self) -> Conversion<E, ByDiagnostic> {
        Conversion {
            describe: self.describe,
            convert: |error, _| {
                let Diagnostic { error_type, error_message } = error.into();
                Failure::returned(error_type, error_message)
            },
            by: PhantomData,
        }
    }
}

/// Any other error.
pub trait ConvertText<E> {
    /// The conversion.
    fn select(self) -> Conversion<E, ByText>;
}

impl<E> ConvertText<E> for &Conversion<E, ByText> {
    fn select(self) -> Conversion<E, ByText> {
        Conversion::new(self.describe)
    }
}
