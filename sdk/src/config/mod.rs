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

mod error;
mod flags;
mod parsed;
#[allow(unsafe_code)] // Calls the runtime's configuration functions.
mod value;

pub use self::error::Error;
pub use self::flags::Flags;
pub use self::flags::flags;
pub use self::parsed::get_as;
pub use self::value::ConfigValue;
pub use self::value::changed_since;
pub use self::value::declare;
pub use self::value::get;
pub(crate) use self::value::set_deadline;
