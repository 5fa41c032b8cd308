//! The layer under tools that have to be installed.

mod publish;
mod system_calls;
