//! The time since the Unix epoch.

/// The time since the Unix epoch: seconds, and milliseconds of the second.
pub(crate) fn now() -> (u64, u32) {
    let (seconds, nanoseconds) = since_epoch(libc::CLOCK_REALTIME);
    (seconds, nanoseconds / 1_000_000)
}

/// The time since the Unix epoch in nanoseconds.
pub fn nanoseconds() -> u64 {
    let (seconds, nanoseconds) = since_epoch(libc::CLOCK_REALTIME);
    seconds * 1_000_000_000 + u64::from(nanoseconds)
}

/// The time since the Unix epoch in milliseconds at the kernel's last tick: a few milliseconds old,
/// but cheap to read.
pub fn coarse_milliseconds() -> u64 {
    let (seconds, nanoseconds) = since_epoch(libc::CLOCK_REALTIME_COARSE);
    seconds * 1000 + u64::from(nanoseconds / 1_000_000)
}

fn since_epoch(clock: libc::clockid_t) -> (u64, u32) {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec. The call cannot fail for these clocks.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    (u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The time since the Unix epoch in milliseconds. No system call where the vDSO has the clock.
pub fn now_ms() -> u64 {
    let (seconds, milliseconds) = now();
    seconds * 1000 + u64::from(milliseconds)
}
