//! The control group of one execution environment, of cgroup v2 or of v1.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Signal;

use super::controllers;
use super::controllers::Controllers;
use super::controllers::Folder;
use super::share::CpuShare;
use super::share::Limits;
use super::share::PERIOD;

/// Limit for the attempts to remove a group, one each millisecond: ended processes leave it late.
const MAX_REMOVALS: usize = 500;

/// A group, which is empty until [`Group::add`]. Dropping it ends its processes and removes it.
#[derive(Debug)]
pub struct Group {
    cpu: Option<Folder>,
    memory: Option<Folder>,
}

/// Removes the groups that a command which has ended has left, with the processes in them.
pub fn remove_left_by(maker: u32) {
    // Finding the folders removes the empty groups of other commands.
    let found = Controllers::find();
    for folder in found.cpu.iter().chain(&found.memory) {
        controllers::groups(&folder.path, maker).iter().for_each(|group| remove(group));
    }
}

/// The controllers that this program may use.
fn controllers() -> &'static Controllers {
    static FOUND: OnceLock<Controllers> = OnceLock::new();
    FOUND.get_or_init(Controllers::find)
}

/// Whether a control group holds processes to their share of a processor.
pub fn limits_cpu(limits: Limits) -> bool {
    limits.cpu && !limits.without_groups && controllers().cpu.is_some()
}

impl Group {
    /// Makes a group for these limits; `None` if none of them can be had by a group.
    pub fn create(limits: Limits, memory_mb: u64) -> io::Result<Option<Group>> {
        if limits.without_groups || !limits.cpu && !limits.memory {
            return Ok(None);
        }
        let found = controllers();
        let cpu = found.cpu.as_ref().filter(|_| limits.cpu);
        let memory = found.memory.as_ref().filter(|_| limits.memory);
        if cpu.is_none() && memory.is_none() {
            return Ok(None);
        }
        Group::create_in(cpu, memory, memory_mb).map(Some)
    }

    fn create_in(
        cpu: Option<&Folder>,
        memory: Option<&Folder>,
        memory_mb: u64,
    ) -> io::Result<Group> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let name = controllers::name(NUMBER.fetch_add(1, Ordering::Relaxed));
        let inside = |folder: &Folder| Folder { path: folder.path.join(&name), ..folder.clone() };
        let group = Group { cpu: cpu.map(inside), memory: memory.map(inside) };
        for path in group.paths() {
            fs::create_dir(path)?;
        }
        group.limit_cpu(CpuShare::of_init())?;
        group.limit_memory(memory_mb << 20)?;
        Ok(group)
    }

    /// Whether it limits processor time.
    pub fn has_cpu(&self) -> bool {
        self.cpu.is_some()
    }

    /// Whether it limits memory.
    pub fn has_memory(&self) -> bool {
        self.memory.is_some()
    }

    /// Moves a process into the group, with all that it starts from now on.
    pub fn add(&self, process: Pid) -> io::Result<()> {
        let mut paths = self.paths();
        paths.try_for_each(|path| write(path, "cgroup.procs", process.as_raw_nonzero()))
    }

    /// Sets the share of a processor that the group's processes get together from now on.
    pub fn limit_cpu(&self, share: CpuShare) -> io::Result<()> {
        let Some(Folder { path, unified }) = &self.cpu else { return Ok(()) };
        let (quota, period) = (share.quota().as_micros(), PERIOD.as_micros());
        if *unified {
            return write(path, "cpu.max", format!("{quota} {period}"));
        }
        write(path, "cpu.cfs_period_us", period)?;
        write(path, "cpu.cfs_quota_us", quota)
    }

    /// Sets the limit for the memory of its processes, with no swap beside it.
    fn limit_memory(&self, bytes: u64) -> io::Result<()> {
        let Some(Folder { path, unified }) = &self.memory else { return Ok(()) };
        let (limit, swap) = match unified {
            true => ("memory.max", ("memory.swap.max", 0)),
            false => ("memory.limit_in_bytes", ("memory.memsw.limit_in_bytes", bytes)),
        };
        write(path, limit, bytes)?;
        // A kernel that does not account for swap has no such file.
        match write(path, swap.0, swap.1) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether the kernel has ended a process because the group's memory was used up.
    pub fn is_out_of_memory(&self) -> bool {
        let Some(Folder { path, unified }) = &self.memory else { return false };
        let file = if *unified { "memory.events" } else { "memory.oom_control" };
        let events = fs::read_to_string(path.join(file)).unwrap_or_default();
        let kills = events.lines().find_map(|line| line.strip_prefix("oom_kill "));
        kills.is_some_and(|kills| kills != "0")
    }

    /// Its folders: one of cgroup v2, or one for each controller of v1.
    fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let cpu = self.cpu.as_ref().map(|folder| &folder.path);
        let memory = self.memory.as_ref().map(|folder| &folder.path);
        cpu.into_iter().chain(memory.filter(|&memory| Some(memory) != cpu))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.paths().for_each(|path| remove(path));
    }
}

/// Ends the processes of a group, and removes it.
fn remove(group: &Path) {
    for _ in 0..MAX_REMOVALS {
        end_members(group);
        match fs::remove_dir(group) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                thread::sleep(Duration::from_millis(1));
            }
            // Another error is that it is gone.
            _ => return,
        }
    }
}

fn end_members(group: &Path) {
    let members = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    for member in members.lines().filter_map(|member| Pid::from_raw(member.parse().ok()?)) {
        // It fails if the process has just ended by itself.
        let _ = rustix::process::kill_process(member, Signal::KILL);
    }
}

fn write(group: &Path, file: &str, value: impl ToString) -> io::Result<()> {
    let path = group.join(file);
    // The kernel has made the file, if there is one.
    let written = fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .and_then(|mut file| io::Write::write_all(&mut file, value.to_string().as_bytes()));
    written.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_both_versions_get_their_values() {
        for (unified, files) in [
            (true, &["cpu.max", "memory.max", "memory.swap.max"][..]),
            (false, &["cpu.cfs_period_us", "cpu.cfs_quota_us", "memory.limit_in_bytes"][..]),
        ] {
            let root = tempfile::tempdir().expect("a folder");
            let folder = Folder { path: root.path().to_path_buf(), unified };
            for file in files {
                fs::write(root.path().join(file), "").expect("made");
            }
            let group = Group { cpu: Some(folder.clone()), memory: Some(folder) };
            group.limit_cpu(CpuShare::of_memory(128)).expect("written");
            group.limit_memory(128 << 20).expect("written");
            let read = |file| fs::read_to_string(root.path().join(file)).expect("read");
            let expected: &[&str] = match unified {
                true => &["1447 20000", "134217728", "0"],
                false => &["20000", "1447", "134217728"],
            };
            assert_eq!(files.iter().map(read).collect::<Vec<_>>(), expected);
            let (file, events) = match unified {
                true => ("memory.events", "low 0\noom 1\noom_kill 1\n"),
                false => ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"),
            };
            assert!(!group.is_out_of_memory());
            fs::write(root.path().join(file), events).expect("written");
            assert!(group.is_out_of_memory());
        }
    }
}
