//! Processes of this program: each leads a process group of its own, and none outlives us.
//!
//! A process that ends in order is ended by its owner. For all others there is [`end_all`], which Ctrl-C
//! calls, and a *guard*: a second process of this program that does nothing but wait until the first one
//! is gone, for whatever reason, and then ends the groups that are left. Processes that have left their
//! group, as a daemon does, are found by a variable that they have inherited ([`end_marked`]).

use std::collections::BTreeSet;
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
use crate::sync::lock;

/// The guard's subcommand; its argument is the working folder.
pub const GUARD: &str = "guard";
/// In the working folder: a line `+GROUP` for each that has started, `-GROUP` for each that is gone.
const LIST: &str = "groups";

/// The groups that are there.
static GROUPS: Mutex<Groups> = Mutex::new(Groups { live: BTreeSet::new(), list: None });

struct Groups {
    live: BTreeSet<i32>,
    list: Option<File>,
}

/// The folder for what the command keeps while it runs, and the guard that cleans up after it.
#[derive(Debug)]
pub struct Workplace {
    folder: Option<TempDir>,
    guard: Child,
}

impl Workplace {
    /// Makes the folder, and starts the guard out of this program's own file.
    pub fn open() -> Result<Workplace> {
        let private = fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("pilotlight-").permissions(private).tempdir();
        let folder = folder.context("cannot make a folder for temporary files")?;
        groups().list = Some(File::create(folder.path().join(LIST))?);
        let guard = Command::new("/proc/self/exe")
            .arg0("pilotlight")
            .args([GUARD.as_ref(), folder.path().as_os_str(), identifiers::mark().as_ref()])
            // Its end tells the guard that we are gone.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // Ctrl-C in a terminal is for us; the guard comes after.
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
            // A command that fails half way has not ended everything itself.
            let mut groups = groups();
            groups.end();
            groups.list = None;
        }
        // What cannot be removed now, the guard cannot remove either.
        drop(self.folder.take());
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// What the guard does: waits until standard input ends, and then cleans up. Processes with `mark`
/// among their variables are ended.
pub fn guard(folder: &Path, mark: &str) -> Result<()> {
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
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Ends every process that has `mark` among the variables that it was started with, whichever group,
/// session or parent it has now. Only a process that has left its group and was started without
/// variables escapes.
pub fn end_marked(mark: &str) {
    /// How often the processes are looked through, since one that ends may just have started another.
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
            // It may have ended by itself a moment ago.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The process of a folder in `/proc`.
fn pid_of(folder: &Path) -> Option<Pid> {
    Pid::from_raw(folder.file_name()?.to_str()?.parse().ok()?)
}

/// Starts a process that leads a group of its own.
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    // While the groups are locked, `end_all` cannot miss the new one.
    let mut groups = groups();
    let child = command.process_group(0).spawn()?;
    groups.change('+', Pid::from_child(&child));
    descriptors::restore(Pid::from_child(&child));
    Ok(child)
}

/// Waits until a process that [`spawn`] has started has ended. It stays a zombie, so that its id is
/// not used again before the caller says so.
pub fn wait(child: &Child) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    let pid = Pid::from_child(child);
    // Fails for a process that is no child, which this one is.
    while matches!(rustix::process::waitid(WaitId::Pid(pid), options), Err(Errno::INTR)) {}
    // What it has started and left behind goes with it, as a sandbox does.
    let _ = rustix::process::kill_process_group(pid, Signal::KILL);
    groups().change('-', pid);
}

/// Ends whatever there is, at once, and lets nothing start any more. For the moment before the
/// program itself ends.
pub fn end_all() {
    let groups = groups();
    groups.end();
    std::mem::forget(groups);
}

impl Groups {
    fn end(&self) {
        for group in self.live.iter().filter_map(|&group| Pid::from_raw(group)) {
            // It may have ended by itself a moment ago.
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
            // A list that cannot be written leaves the guard without it; we clean up ourselves.
            let _ = writeln!(list, "{sign}{group}");
        }
    }
}

fn groups() -> MutexGuard<'static, Groups> {
    lock(&GROUPS)
}

/// A file of a process's own under `/proc`.
pub fn proc_file(pid: Pid, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{}/{name}", pid.as_raw_nonzero()))
}
