//! Child processes: each leads its own process group, and none outlives this program.
//!
//! In an orderly shutdown, the owner of a process ends it. Otherwise, the handler of Ctrl-C calls
//! [`end_all`]; and a *guard*, a second process of this program, waits until the first one is gone
//! for any reason, and then ends the remaining groups. Processes that have left their group, as a
//! daemon does, are found by an environment variable that they inherited ([`end_marked`]).

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::WaitId;
use rustix::process::WaitIdOptions;
use tempfile::TempDir;

use crate::descriptors;
use crate::identifiers;
use crate::limits::cgroup;
use crate::sync::lock;

/// The guard's subcommand; its argument is the working folder.
pub const GUARD: &str = "guard";
/// A file in the working folder: a line `+GROUP` for each started group, `-GROUP` for each ended
/// one.
const LIST: &str = "groups";

/// The running process groups.
static GROUPS: Mutex<Groups> = Mutex::new(Groups { live: BTreeSet::new(), list: None });

struct Groups {
    live: BTreeSet<i32>,
    list: Option<File>,
}

/// The command's working folder, and the guard that cleans up after the command.
#[derive(Debug)]
pub struct Workplace {
    folder: Option<TempDir>,
    guard: Child,
}

impl Workplace {
    /// Creates the folder, and starts the guard from this program's own file.
    pub fn open() -> Result<Workplace> {
        let private = fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("pilotlight-").permissions(private).tempdir();
        let folder = folder.context("cannot create a temporary folder")?;
        groups().list = Some(File::create(folder.path().join(LIST))?);
        let guard = Command::new("/proc/self/exe")
            .arg0("pilotlight")
            .args([GUARD.as_ref(), folder.path().as_os_str(), identifiers::mark().as_ref()])
            .arg(std::process::id().to_string())
            // The end of this pipe tells the guard that this process is gone.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // In its own group, the guard gets no signal from Ctrl-C in a terminal.
            .process_group(0)
            .spawn()
            .context("cannot start the guard")?;
        Ok(Workplace { folder: Some(folder), guard })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.as_ref().map_or(Path::new("/tmp"), TempDir::path)
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        {
            // A command that failed may have left processes running.
            let mut groups = groups();
            groups.end();
            groups.list = None;
        }
        // If this fails to remove a file, the guard would fail, too.
        drop(self.folder.take());
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// The guard: waits for the end of standard input, and then ends the remaining groups and processes
/// with `mark` among their variables, and removes the folder and the control groups of the process
/// `maker`.
pub fn guard(folder: &Path, mark: &str, maker: u32) -> Result<()> {
    let _ = io::stdin().read_to_end(&mut Vec::new());
    let list = fs::read_to_string(folder.join(LIST)).unwrap_or_default();
    let mut left = BTreeSet::new();
    for line in list.lines() {
        match line.split_at_checked(1) {
            Some(("+", group)) => left.insert(group),
            Some((_, group)) => left.remove(group),
            None => false,
        };
    }
    for group in left.into_iter().filter_map(|group| Pid::from_raw(group.parse().ok()?)) {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
    end_marked(mark);
    cgroup::remove_left_by(maker);
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Ends every process that was started with `mark` among its variables, in any group and session
/// and with any parent. Only a process that left its group and was started without variables
/// escapes.
pub fn end_marked(mark: &str) {
    /// Limit for the searches; they are repeated because a process may just have started another
    /// one.
    const MAX_ROUNDS: usize = 200;
    let has_mark = |process: &PathBuf| {
        let variables = fs::read(process.join("environ")).unwrap_or_default();
        variables.windows(mark.len()).any(|part| part == mark.as_bytes())
    };
    for _ in 0..MAX_ROUNDS {
        let Ok(entries) = fs::read_dir("/proc") else { return };
        let paths = entries.flatten().map(|entry| entry.path()).filter(has_mark);
        let pids: Vec<Pid> = paths.filter_map(|path| pid_of(&path)).collect();
        if pids.is_empty() {
            return;
        }
        for pid in pids {
            // It fails if the process has just ended by itself.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The process of a folder in `/proc`.
fn pid_of(folder: &Path) -> Option<Pid> {
    Pid::from_raw(folder.file_name()?.to_str()?.parse().ok()?)
}

/// A program in a folder of `PATH`.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Starts a process that leads its own group.
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    // While the groups are locked, `end_all` cannot miss the new one.
    let mut groups = groups();
    let child = command.process_group(0).spawn()?;
    groups.change('+', Pid::from_child(&child));
    descriptors::restore(Pid::from_child(&child));
    Ok(child)
}

/// Waits for the end of a process that [`spawn`] started. It stays a zombie, so that its id is not
/// reused until the caller reaps it.
pub fn wait(child: &Child) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    let pid = Pid::from_child(child);
    // Other errors are impossible, since the process is a child of this one.
    while matches!(rustix::process::waitid(WaitId::Pid(pid), options), Err(Errno::INTR)) {}
    // The rest of its group ends with it, as on Lambda.
    let _ = rustix::process::kill_process_group(pid, Signal::KILL);
    groups().change('-', pid);
}

/// Ends all groups at once, and lets no further process start. Call it just before the program
/// exits.
pub fn end_all() {
    let groups = groups();
    groups.end();
    std::mem::forget(groups);
}

impl Groups {
    fn end(&self) {
        for group in self.live.iter().filter_map(|&group| Pid::from_raw(group)) {
            // It fails if the group has just ended by itself.
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
    }

    fn change(&mut self, sign: char, group: Pid) {
        let group = group.as_raw_nonzero().get();
        match sign {
            '+' => self.live.insert(group),
            _ => self.live.remove(&group),
        };
        if let Some(list) = &mut self.list {
            // If the write fails, the guard misses this group, but this process still ends it.
            let _ = writeln!(list, "{sign}{group}");
        }
    }
}

fn groups() -> MutexGuard<'static, Groups> {
    lock(&GROUPS)
}

/// A file in a process's folder in `/proc`.
pub fn proc_file(pid: Pid, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{}/{name}", pid.as_raw_nonzero()))
}
