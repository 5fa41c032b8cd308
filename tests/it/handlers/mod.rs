//! Handlers and the SDK that they are written with: events, responses, errors, log records.

mod compile;
mod context;
mod errors;
mod examples;
mod external;
mod header;
pub mod logs;
mod panics;
mod stock;
