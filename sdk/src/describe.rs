//! A returned error in the texts that Lambda knows, by what is known of its type.
//!
//! A handler's error is anything that displays. More is said of one that is an [`Error`], and of a
//! box that holds one: their causes. No trait that all of them implement tells these apart, so the
//! macro `handler!` does, where the type is known: it calls `describe` on a reference to a
//! reference to a reference to an [`ErrorOf`], and the compiler takes the implementation with the
//! most references that applies.

use std::any::type_name;
use std::error::Error;
use std::fmt::Display;
use std::marker::PhantomData;
use std::ops::Deref;

use crate::Error as ChosenError;
use crate::failure::Failure;

/// As many causes of an error are named at most. An error that is its own cause has no end of them.
const MAX_CAUSES: usize = 64;

/// Describes an error of one type.
pub type Describe<E> = fn(&E) -> Failure;

/// Stands for an error type.
#[derive(Debug)]
pub struct ErrorOf<E>(PhantomData<fn(&E)>);

impl<E> ErrorOf<E> {
    pub(crate) const fn new() -> ErrorOf<E> {
        ErrorOf(PhantomData)
    }
}

/// The handler has chosen the type.
pub trait DescribeChosen {
    /// The description.
    fn describe(self) -> Describe<ChosenError>;
}

impl DescribeChosen for &&&&ErrorOf<ChosenError> {
    fn describe(self) -> Describe<ChosenError> {
        |error| held(error)
    }
}

/// `Box<dyn Error>`, `anyhow::Error` and the like hold an error of a type that is not known.
pub trait DescribeHolder<E> {
    /// The description.
    fn describe(self) -> Describe<E>;
}

impl<E: Deref<Target: AsError>> DescribeHolder<E> for &&&ErrorOf<E> {
    fn describe(self) -> Describe<E> {
        |error| held(error.as_error())
    }
}

/// An error with causes.
pub trait DescribeError<E> {
    /// The description.
    fn describe(self) -> Describe<E>;
}

impl<E: Error> DescribeError<E> for &&ErrorOf<E> {
    fn describe(self) -> Describe<E> {
        |error| Failure::returned(error_type(type_name::<E>()), with_causes(error))
    }
}

/// Anything else that displays. The alternate form is what error libraries show with all causes, in
/// one line.
pub trait DescribeText<E> {
    /// The description.
    fn describe(self) -> Describe<E>;
}

impl<E: Display> DescribeText<E> for &ErrorOf<E> {
    fn describe(self) -> Describe<E> {
        |error| Failure::returned(error_type(type_name::<E>()), format!("{error:#}"))
    }
}

/// An error that does not display. The compiler refuses it where the handler is called, and an
/// error here would only repeat that.
pub trait DescribeNothing<E> {
    /// The description.
    fn describe(self) -> Describe<E>;
}

impl<E> DescribeNothing<E> for ErrorOf<E> {
    fn describe(self) -> Describe<E> {
        |_| Failure::returned("Error".into(), String::new())
    }
}

/// The target of a box of an unknown error.
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

/// An error of a type that cannot be known, unless the handler has chosen one for it or for a
/// cause.
fn held(error: &(dyn Error + 'static)) -> Failure {
    let mut errors = std::iter::once(error).chain(causes(error));
    let chosen = errors.find_map(|error| error.downcast_ref::<ChosenError>());
    let error_type = chosen.map_or("Error", ChosenError::error_type);
    Failure::returned(error_type.into(), with_causes(error))
}

fn causes<'e>(error: &'e (dyn Error + '_)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source()).take(MAX_CAUSES)
}

/// The messages of an error and of its causes, without those that an earlier one has said.
fn with_causes(error: &dyn Error) -> String {
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

/// The `errorType` of a value of the type with this name: the name without path and parameters, or
/// with its crate if it is `Error`, as so many are; `Error` for texts and boxes, whose names say
/// nothing.
fn error_type(name: &str) -> String {
    const POINTERS: [&str; 5] =
        ["&", "mut ", "alloc::boxed::Box<", "alloc::rc::Rc<", "alloc::sync::Arc<"];
    const TEXTS: [&str; 3] = ["str", "alloc::string::String", "alloc::borrow::Cow"];
    if let Some(inner) = POINTERS.iter().find_map(|pointer| name.strip_prefix(pointer)) {
        return error_type(inner);
    }
    let path = path(name);
    let last = last_segment(path);
    if path.starts_with("dyn ") || TEXTS.contains(&path) {
        return "Error".into();
    }
    if last != "Error" {
        return last.into();
    }
    // In the standard library's crates the module says more: `io::Error`.
    let mut segments = path.split("::");
    let crate_or_module =
        segments.find(|segment| !matches!(*segment, "std" | "core" | "alloc")).unwrap_or(last);
    if crate_or_module == last { last.into() } else { format!("{crate_or_module}::{last}") }
}

/// A type's name without its path and parameters.
pub fn short_name(name: &str) -> &str {
    last_segment(path(name))
}

/// A type's name without its parameters.
fn path(name: &str) -> &str {
    name.split(['<', '>']).next().unwrap_or(name)
}

fn last_segment(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_as_far_as_their_names_say_something() {
        let named = [
            ("shop::errors::OutOfTea", "OutOfTea"),
            ("shop::Both<shop::Left, alloc::string::String>", "Both"),
            ("&alloc::boxed::Box<shop::Both<shop::Left>>", "Both"),
            ("aws_sdk_s3::error_meta::Error", "aws_sdk_s3::Error"),
            ("alloc::sync::Arc<serde_json::error::Error>", "serde_json::Error"),
            ("std::io::error::Error", "io::Error"),
            ("core::fmt::Error", "fmt::Error"),
            ("alloc::boxed::Box<dyn shop::Problem + core::marker::Send>", "Error"),
            ("alloc::borrow::Cow<str>", "Error"),
            ("alloc::string::String", "Error"),
            ("&str", "Error"),
        ];
        for (name, expected) in named {
            assert_eq!(error_type(name), expected, "{name}");
        }
    }
}
