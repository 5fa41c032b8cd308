//! Waiting for one child, with what the kernel counted for it alone. (The counters of all children
//! together, which safe interfaces offer, remember the largest child for ever.)

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use rustix::process::Pid;

/// How a process ended, and what it had used by then.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exit {
    /// Its exit code or signal.
    pub status: ExitStatus,
    /// Peak resident memory in KiB.
    pub peak_memory_kib: u64,
}

/// Reaps a child that has ended, or waits until it does.
pub fn wait(pid: Pid) -> io::Result<Exit> {
    let mut status = 0;
    // SAFETY: a structure of numbers, for which zeros are valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to this frame's own variables.
    let found =
        unsafe { libc::wait4(pid.as_raw_nonzero().get(), &raw mut status, 0, &raw mut usage) };
    if found < 0 {
        return Err(io::Error::last_os_error());
    }
    let status = ExitStatus::from_raw(status);
    // Linux counts ru_maxrss in KiB.
    Ok(Exit { status, peak_memory_kib: u64::try_from(usage.ru_maxrss).unwrap_or(0) })
}
