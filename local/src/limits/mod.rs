//! Lambda's limits for an execution environment, which its processes are held to here: a share of a
//! processor, and memory.
//!
//! The kernel does that where this program may make control groups ([`cgroup`]). Elsewhere,
//! [`crate::environment`] stops and continues the processes, and reads how much memory they have.

pub mod cgroup;
mod controllers;
mod share;

pub use self::share::CpuShare;
pub use self::share::Limits;
pub use self::share::PERIOD;

/// The share of a processor that a function gets and by which means, as words; `None` if it is not
/// limited.
pub fn describe(limits: Limits, memory_mb: u64) -> Option<String> {
    let means = match cgroup::limits_cpu(limits) {
        true => "by a control group",
        false => "by stopping and continuing the processes",
    };
    let share = CpuShare::of_memory(memory_mb);
    limits.cpu.then(|| {
        format!("{memory_mb} MB give {share} of a processor from the first /next on, held {means}")
    })
}
