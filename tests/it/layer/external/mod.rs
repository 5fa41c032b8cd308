//! The layer under tools that have to be installed.

mod system_calls;
