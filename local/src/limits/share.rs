//! The figures of Lambda's limits.

use std::fmt;
use std::time::Duration;

/// The period that a share of a processor is given in. AWS does not state Lambda's; others observed
/// 20 ms there, where Linux's default is 100 ms. Source:
/// <https://github.com/pwrdrvr/lambda-dispatch/issues/246>.
pub const PERIOD: Duration = Duration::from_millis(20);

/// Processors during init, whatever the memory is.
const INIT_PROCESSORS: f64 = 2.0;
/// The memory in MB that gives one processor. Source: "Configure Lambda function memory".
const PROCESSOR_MB: f64 = 1769.0;
/// Limit for the processors of a function.
const MAX_PROCESSORS: f64 = 6.0;

/// The limits that a function's processes are held to; by default none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Whether the memory decides how much of a processor the processes get after init.
    pub cpu: bool,
    /// Whether processes that need more than the function's memory are ended.
    pub memory: bool,
    /// Whether control groups are left unused also where this program may make them.
    pub without_groups: bool,
}

/// A share of a processor; above 1, it is more than one processor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CpuShare(f64);

impl CpuShare {
    /// The share that Lambda gives to a function with this memory, in MB.
    pub fn of_memory(memory_mb: u64) -> CpuShare {
        // Lambda's memory ends at 10,240 MB.
        let memory = u32::try_from(memory_mb).unwrap_or(u32::MAX);
        CpuShare((f64::from(memory) / PROCESSOR_MB).min(MAX_PROCESSORS))
    }

    /// The share during init.
    pub fn of_init() -> CpuShare {
        CpuShare(INIT_PROCESSORS)
    }

    /// The processor time in each [`PERIOD`].
    pub fn quota(self) -> Duration {
        PERIOD.mul_f64(self.0)
    }

    /// The number of processors.
    pub fn processors(self) -> f64 {
        self.0
    }
}

impl fmt::Display for CpuShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_gives_a_share_as_on_lambda() {
        assert_eq!(CpuShare::of_memory(1769).quota(), PERIOD);
        assert_eq!(CpuShare::of_memory(128).to_string(), "0.072");
        assert_eq!(CpuShare::of_memory(128).quota().as_micros(), 1447);
        assert_eq!(CpuShare::of_memory(10_240).to_string(), "5.789");
        assert_eq!(CpuShare::of_memory(u64::MAX).quota(), PERIOD * 6);
    }
}
