//! Cached configuration: values that change without a deployment, read from memory.
//!
//! ```
//! use pilotlight::config;
//!
//! #[derive(serde::Deserialize)]
//! struct Limits {
//!     max_items: u32,
//! }
//!
//! fn max_items() -> u32 {
//!     config::get_as::<Limits>("limits").map_or(10, |limits| limits.max_items)
//! }
//! # assert_eq!(max_items(), 10);
//! ```
//!
//! The variable `PILOTLIGHT_CONFIG` of the function declares the values (or [`declare`] does, in a
//! handler's `init`):
//!
//! ```text
//! flags=appconfig:shop/production/flags, limits=ssm:/shop/limits?ttl=5m
//! ```
//!
//! A read returns the value in memory. When the value's interval has passed, the runtime fetches it
//! again while the handler works, and a later read returns the new value. Before the first value
//! has arrived, a read returns [`Error::NotYet`], so a handler needs a default for that.

mod flags;
mod parsed;
#[allow(unsafe_code)] // Calls the runtime's configuration functions.
mod value;

pub use self::flags::Flags;
pub use self::flags::flags;
pub use self::parsed::get_as;
pub use self::value::ConfigValue;
pub use self::value::declare;
pub use self::value::get;
pub(crate) use self::value::set_deadline;

use std::fmt;

/// The reason why a value cannot be read or declared.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The name is not declared, neither in `PILOTLIGHT_CONFIG` nor by [`declare`].
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
    /// [`declare`] was called with an invalid declaration.
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

/// Reads the value `name` if its [generation](ConfigValue::generation) is not `generation` (0 for
/// none), for handlers that cache a result computed from the value.
///
/// ```
/// use pilotlight::config;
///
/// struct Cache {
///     generation: u64,
///     lines: usize,
/// }
///
/// fn refresh(cache: &mut Cache) -> Result<(), config::Error> {
///     if let Some(value) = config::changed_since("list", cache.generation)? {
///         *cache = Cache {
///             generation: value.generation(),
///             lines: value.bytes().split(|byte| *byte == b'\n').count(),
///         };
///     }
///     Ok(())
/// }
/// ```
///
/// # Errors
/// As for [`get`].
pub fn changed_since(name: &str, generation: u64) -> Result<Option<ConfigValue>, Error> {
    let value = get(name)?;
    Ok((value.generation() != generation).then_some(value))
}
