//! Stacks of this program's threads: there may be thousands of them, and most of them wait.

use std::thread::Builder;

/// Bytes of stack of a thread that parses requests or runs a server's tasks.
pub const WORKER_STACK: usize = 512 << 10;

/// Bytes of stack of a thread that waits, and then does little.
const SMALL_STACK: usize = 256 << 10;

/// A thread that waits, and then does little.
pub fn small() -> Builder {
    Builder::new().stack_size(SMALL_STACK)
}
