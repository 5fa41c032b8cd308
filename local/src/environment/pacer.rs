//! Holds a process group to its share of a processor by stopping it, where the kernel cannot be
//! asked to do it. As with the kernel's quota, time beyond the quota of a period is missing in the
//! next ones, and time that is left over is lost.

use std::sync::Arc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Pid;

use super::pauses::Pauses;
use super::pauses::Reason;
use super::usage;
use super::watch;
use crate::limits::CpuShare;
use crate::limits::PERIOD;
use crate::runtime_api::Shared;

/// Lower limit for the time between two looks at the clock of a running process.
const MIN_WAIT: Duration = Duration::from_micros(200);

/// The processor time that is left in the current period, in nanoseconds; below zero, it is missing
/// in the next one.
#[derive(Debug)]
struct Budget {
    left: i64,
    quota: i64,
    /// The number of processors that the process may use at once.
    width: f64,
    /// The start of the current period.
    since: Instant,
}

impl Budget {
    fn new(share: CpuShare, since: Instant) -> Budget {
        let quota = nanoseconds(share.quota());
        Budget { left: quota, quota, width: share.processors().ceil(), since }
    }

    /// Subtracts the time that was spent until now, and adds the quota of each period that has
    /// begun.
    fn spend(&mut self, spent: Duration, now: Instant) {
        self.left -= nanoseconds(spent);
        while now.saturating_duration_since(self.since) >= PERIOD {
            self.left = self.left.saturating_add(self.quota).min(self.quota);
            self.since += PERIOD;
        }
    }

    fn is_used_up(&self) -> bool {
        self.left <= 0
    }

    /// The time until it may be used up, or until the next period.
    fn wait(&self, now: Instant) -> Duration {
        let period = (self.since + PERIOD).saturating_duration_since(now);
        if self.is_used_up() {
            return period;
        }
        let left = Duration::from_nanos(self.left.unsigned_abs());
        left.div_f64(self.width).max(MIN_WAIT).min(period)
    }
}

/// Paces the group until its leader has ended. `used` is the processor time that it had used when
/// its init ended.
pub fn pace(
    shared: &Shared,
    pauses: &Arc<Pauses>,
    process: Pid,
    share: CpuShare,
    mut used: Duration,
) {
    let mut budget = Budget::new(share, Instant::now());
    let mut spent = Duration::ZERO;
    while watch::wait_for_work(shared, !spent.is_zero()) {
        let total = usage::processor_time(process).max(used);
        spent = total - used;
        used = total;
        let now = Instant::now();
        budget.spend(spent, now);
        if budget.is_used_up() {
            pauses.stop(Reason::UsedUp);
        } else {
            pauses.resume(Reason::UsedUp);
        }
        thread::sleep(budget.wait(now));
    }
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debts_are_kept_and_savings_are_not() {
        let start = Instant::now();
        // A quota of 10 ms in 20.
        let mut budget = Budget::new(CpuShare::of_memory(885), start);
        let quota = Duration::from_nanos(budget.quota.unsigned_abs());
        budget.spend(Duration::from_millis(4), start);
        assert!(!budget.is_used_up());
        assert_eq!(budget.wait(start), quota - Duration::from_millis(4));
        // It used 30 ms in all: three periods' worth.
        budget.spend(Duration::from_millis(26), start);
        assert_eq!(budget.wait(start), PERIOD);
        budget.spend(Duration::ZERO, start + PERIOD);
        assert!(budget.is_used_up());
        budget.spend(Duration::ZERO, start + PERIOD * 3);
        assert!(!budget.is_used_up());
        // Many periods later, there is one quota, not many.
        budget.spend(Duration::ZERO, start + PERIOD * 100);
        budget.spend(quota, start + PERIOD * 100);
        assert!(budget.is_used_up());
    }
}
