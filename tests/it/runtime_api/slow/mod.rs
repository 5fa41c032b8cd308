//! Minutes of the same: thousands of invocations, and processes that end among them.

mod busy;
mod memory;
