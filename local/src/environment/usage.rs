//! Processor time and memory of a process and of its descendants. A descendant whose parent has
//! ended is the system's, and counts no more.

use std::fs;
use std::time::Duration;

use nix::time::ClockId;
use rustix::process::Pid;

use crate::process::proc_file;

/// The time that the processes have spent on processors, with that of descendants that have ended.
pub fn processor_time(process: Pid) -> Duration {
    family(process).into_iter().map(|one| own_time(one) + time_of_ended(one)).sum()
}

/// The peak memory of the process and the current memory of its descendants, in KiB. Pages that
/// they share count several times.
pub fn memory_kib(process: Pid) -> u64 {
    let others = family(process).into_iter().skip(1);
    peak_memory_kib(process) + others.map(|one| status_kib(one, "VmRSS:")).sum::<u64>()
}

/// The peak memory of the process alone, in KiB; 0 once it has ended.
pub fn peak_memory_kib(process: Pid) -> u64 {
    status_kib(process, "VmHWM:")
}

/// The fields of `stat` after the program's name, which is in parentheses and may hold anything.
pub fn stat(process: Pid) -> Vec<String> {
    let stat = fs::read_to_string(proc_file(process, "stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    fields.split_whitespace().map(str::to_owned).collect()
}

/// The process and its descendants.
fn family(process: Pid) -> Vec<Pid> {
    let mut found = vec![process];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        let threads = fs::read_dir(proc_file(parent, "task")).into_iter().flatten().flatten();
        for thread in threads {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            found.extend(
                children.split_whitespace().filter_map(|id| Pid::from_raw(id.parse().ok()?)),
            );
        }
        next += 1;
    }
    found
}

/// By the process's own clock: nanoseconds of all threads, also of those that have ended.
fn own_time(process: Pid) -> Duration {
    let process = nix::unistd::Pid::from_raw(process.as_raw_nonzero().get());
    // It fails if the process has just ended.
    let time = ClockId::pid_cpu_clock_id(process).and_then(ClockId::now);
    time.map(Duration::from).unwrap_or_default()
}

/// The time of ended children that the process has waited for, and of theirs. The kernel states it
/// in hundredths of a second.
fn time_of_ended(process: Pid) -> Duration {
    let fields = stat(process);
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
    Duration::from_millis(10 * (ticks(13).unwrap_or(0) + ticks(14).unwrap_or(0)))
}

fn status_kib(process: Pid, name: &str) -> u64 {
    let status = fs::read_to_string(proc_file(process, "status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}
