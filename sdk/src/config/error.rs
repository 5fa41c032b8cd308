//! Errors of reading and declaring configuration values.

use std::fmt;

/// The reason why a value cannot be read or declared.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The name is not declared, neither in `PILOTLIGHT_CONFIG` nor by [`declare`](super::declare).
    NotDeclared {
        /// The name.
        name: String,
    },
    /// No value has arrived since the process started.
    NotYet {
        /// The name.
        name: String,
    },
    /// No version that has arrived parses as the requested type.
    Unreadable {
        /// The name.
        name: String,
        /// The parser's message; of a secret, only line and column.
        reason: String,
    },
    /// [`declare`](super::declare) was called with an invalid declaration.
    InvalidDeclaration {
        /// The name, the text, and the expected form.
        reason: String,
    },
    /// The runtime has not loaded this library, as in a unit test.
    NoRuntime,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotDeclared { name } => write!(
                f,
                "configuration `{name}` is not declared; add {name}=<source> to PILOTLIGHT_CONFIG"
            ),
            Error::NotYet { name } => write!(f, "configuration `{name}` has not arrived yet"),
            Error::Unreadable { name, reason } => {
                write!(f, "configuration `{name}` cannot be read: {reason}")
            }
            Error::InvalidDeclaration { reason } => f.write_str(reason),
            Error::NoRuntime => f.write_str(
                "configuration needs the Pilotlight runtime, which has not loaded this code",
            ),
        }
    }
}

impl std::error::Error for Error {}
