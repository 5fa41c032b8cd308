//! Cached configuration: values that change without a deployment, read at the speed of memory.
//!
//! What there is to read is declared with the function, in the variable `PILOTLIGHT_CONFIG` (or with
//! [`declare`] in a handler's `init`):
//!
//! ```text
//! flags=appconfig:shop/production/flags, limit=ssm:/shop/limit?ttl=5m
//! ```
//!
//! A read returns what is there; when the value's interval has passed it is fetched anew beside the
//! handler, and a later read finds it. Before the first value has arrived there is none:
//! [`Error::NotYet`], so a handler has a default for that.
//!
//! ```
//! use pilotlight::config;
//!
//! #[derive(serde::Deserialize)]
//! struct Limits {
//!     most: u32,
//! }
//!
//! fn most() -> u32 {
//!     config::get_as::<Limits>("limits").map_or(10, |limits| limits.most)
//! }
//! # assert_eq!(most(), 10);
//! ```

mod flags;
mod parsed;
#[allow(unsafe_code)]
mod value;

pub use self::flags::Flags;
pub use self::flags::flags;
pub use self::parsed::get_as;
pub use self::value::ConfigValue;
pub use self::value::declare;
pub use self::value::get;
pub(crate) use self::value::set_deadline;

use std::fmt;

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Nobody has declared the name.
    NotDeclared {
        /// The name.
        name: String,
    },
    /// No value has arrived since the process began.
    NotYet {
        /// The name.
        name: String,
    },
    /// No version that has arrived can be read as the type that was asked for.
    Unreadable {
        /// The name.
        name: String,
        /// Why; of a secret, only where.
        reason: String,
    },
    /// A declaration that is not one.
    InvalidDeclaration {
        /// The name, the text, and what was expected.
        reason: String,
    },
    /// The library was not loaded by the runtime, as in a unit test.
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
            Error::NoRuntime => f.write_str("configuration is the runtime's, and there is none"),
        }
    }
}

impl std::error::Error for Error {}

/// The value `name`, if it is another than the one of the generation `seen` (0: none), for handlers
/// that keep what they make of it.
pub fn changed_since(name: &str, seen: u64) -> Result<Option<ConfigValue>, Error> {
    let value = get(name)?;
    Ok((value.generation() != seen).then_some(value))
}
