//! The same thing thousands of times: damaged copies, kills, invocations.

mod busy;
mod load;
mod memory;
mod sweep;
