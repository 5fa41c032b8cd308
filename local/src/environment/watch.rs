//! Ends a process group that needs more memory than its function has, where the kernel cannot be
//! asked to do it. A limit for the address space would end handlers that reserve more than they
//! use, as allocators do, so the memory in use is read.

use std::thread;
use std::time::Duration;

use rustix::process::Pid;

use super::usage;
use crate::runtime_api::Shared;

/// Interval between two looks at a working process.
const INTERVAL: Duration = Duration::from_millis(5);
/// Interval between two looks at a process that waits for an invocation.
const REST: Duration = Duration::from_millis(200);

/// Reads the group's memory until its leader has ended, and calls `end` once it has more than the
/// limit.
pub fn watch_memory(shared: &Shared, process: Pid, limit_kib: u64, end: impl FnOnce()) {
    while wait_for_work(shared, false) {
        if usage::memory_kib(process) > limit_kib {
            return end();
        }
        thread::sleep(INTERVAL);
    }
}

/// Returns at once if the process works on an invocation or its init, or `goes_on` by itself; else
/// when it does so again, or after a while. False if it has ended.
pub fn wait_for_work(shared: &Shared, goes_on: bool) -> bool {
    shared.wait_for(REST, |session| (goes_on || session.is_working()).then_some(()));
    shared.session().exit_status().is_none()
}
