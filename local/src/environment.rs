//! An execution environment: one bootstrap process, its Runtime API, and what becomes of both.

use std::fmt;
use std::fs;
use std::io;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use anyhow::Result;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::WaitId;
use rustix::process::WaitIdOptions;

use crate::function::Function;
use crate::runtime_api::Ended;
use crate::runtime_api::Invocation;
use crate::runtime_api::Outcome;
use crate::runtime_api::RuntimeApi;
use crate::runtime_api::Session;
use crate::runtime_api::Shared;

/// Lambda's limit for `Init` before the first invocation.
pub const INIT_LIMIT: Duration = Duration::from_secs(10);

/// Why an invocation was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The runtime reported that it cannot start.
    InitError(Outcome),
    /// The process ended.
    Exited(ExitStatus),
    /// The time was up, and the process was ended.
    TimedOut,
}

/// A running execution environment. Dropping it ends its process.
#[derive(Debug)]
pub struct ExecutionEnvironment {
    api: RuntimeApi,
    pid: Pid,
    reaper: Option<JoinHandle<()>>,
    /// The most memory seen so far, in KiB.
    peak: AtomicU64,
}

/// Where the output of the process goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// To this process's standard error, where its own log lines go.
    Shown,
    /// Nowhere.
    Hidden,
}

impl ExecutionEnvironment {
    /// Starts a fresh process as Lambda does: its variables, its working directory, no arguments.
    pub fn start(function: &Function, output: Output) -> Result<ExecutionEnvironment> {
        ExecutionEnvironment::start_with(function, output, |_| {})
    }

    /// As [`ExecutionEnvironment::start`], with a session that is prepared before the process is
    /// there.
    pub fn start_with(
        function: &Function,
        output: Output,
        prepare: impl FnOnce(&mut Session),
    ) -> Result<ExecutionEnvironment> {
        let api = RuntimeApi::start().context("cannot listen on 127.0.0.1")?;
        let stream = || -> io::Result<Stdio> {
            Ok(match output {
                Output::Shown => io::stderr().into(),
                Output::Hidden => Stdio::null(),
            })
        };
        let mut command = Command::new(&function.bootstrap);
        command
            .env_clear()
            .envs(function.environment(&api.address().to_string()))
            .current_dir(&function.task_root)
            .stdin(Stdio::null())
            .stdout(stream()?)
            .stderr(stream()?);
        api.shared().change(prepare);
        api.shared().session().started = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", function.bootstrap.display()))?;
        let pid = Pid::from_child(&child);
        let shared = Arc::clone(api.shared());
        let reaper = Some(thread::spawn(move || reap(child, &shared)));
        Ok(ExecutionEnvironment { api, pid, reaper, peak: AtomicU64::new(0) })
    }

    /// Waits for the first `/next`, and says how long it took from the process's start.
    pub fn wait_initialised(&self, limit: Duration) -> Result<Duration, Unanswered> {
        let found = self.api.shared().wait_for(limit, |session| {
            if let Some(init) = session.init {
                return Some(Ok(init));
            }
            // The process is to end by itself once it has reported; what it says last is shown.
            let exit = session.exited?;
            Some(Err(match session.init_error.clone() {
                Some(error) => Unanswered::InitError(error),
                None => Unanswered::Exited(exit),
            }))
        });
        self.peak_memory_kib();
        found.unwrap_or_else(|| {
            self.end();
            let error = self.api.shared().session().init_error.clone();
            Err(error.map_or(Unanswered::TimedOut, Unanswered::InitError))
        })
    }

    /// Has the runtime handle an invocation. It is over when the runtime asks for the next one, or
    /// ends.
    pub fn invoke(&self, invocation: Invocation, limit: Duration) -> Result<Ended, Unanswered> {
        let request_id = invocation.request_id.clone();
        self.api.shared().change(|session| session.queue.push_back(invocation));
        let found = self.api.shared().wait_for(limit, |session| {
            let place = session.ended.iter().position(|ended| ended.request_id == request_id);
            if let Some(place) = place {
                return session.is_at_rest().then(|| Ok(session.ended.swap_remove(place)));
            }
            session.exited.map(|exit| Err(Unanswered::Exited(exit)))
        });
        found.unwrap_or_else(|| {
            self.end();
            Err(Unanswered::TimedOut)
        })
    }

    /// The session, for whoever wants to look closer.
    pub fn shared(&self) -> &Shared {
        self.api.shared()
    }

    /// Peak memory of the process so far, in KiB; of one that has ended, as far as it was seen. (The
    /// kernel's own count for an ended child begins with its parent's memory.)
    pub fn peak_memory_kib(&self) -> u64 {
        let pid = self.pid.as_raw_nonzero();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        self.peak.fetch_max(peak.unwrap_or(0), Ordering::Relaxed).max(peak.unwrap_or(0))
    }

    /// How many page faults the process has had that needed no storage, and how many that did.
    pub fn page_faults(&self) -> Option<(u64, u64)> {
        let pid = self.pid.as_raw_nonzero();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field, in parentheses, is the program's name and may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some((fields.get(7)?.parse().ok()?, fields.get(9)?.parse().ok()?))
    }

    /// Whether the process is there.
    pub fn is_alive(&self) -> bool {
        self.shared().session().exited.is_none()
    }

    /// Ends the process at once, as Lambda does without extensions, and waits until it is gone.
    pub fn end(&self) {
        {
            // While the session is locked, the process cannot be reaped and its id not be reused.
            let session = self.shared().session();
            if session.exited.is_none() {
                // It may have ended by itself a moment ago.
                let _ = rustix::process::kill_process(self.pid, Signal::KILL);
            }
        }
        self.shared().wait_for(Duration::MAX, |session| session.exited);
    }
}

impl Drop for ExecutionEnvironment {
    fn drop(&mut self) {
        self.end();
        if let Some(reaper) = self.reaper.take() {
            // A thread that panicked has printed why.
            let _ = reaper.join();
        }
    }
}

fn reap(mut child: Child, shared: &Shared) {
    // Leaves the process a zombie, so that its id is not reused before the session says so.
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    // Fails for a process that is no child, which this one is.
    let _ = rustix::process::waitid(WaitId::Pid(Pid::from_child(&child)), options);
    // Where SIGCHLD is ignored, the kernel has reaped the process and forgotten how it ended.
    shared.change(|session| session.exited = Some(child.wait().unwrap_or_default()));
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use std::os::unix::process::ExitStatusExt as _;
        match self {
            Unanswered::InitError(_) => f.write_str("the runtime reported that it cannot start"),
            Unanswered::TimedOut => f.write_str("the time was up"),
            Unanswered::Exited(status) => match (status.code(), status.signal()) {
                (Some(0), _) => f.write_str("Runtime exited without providing a reason"),
                (Some(code), _) => write!(f, "Runtime exited with error: exit status {code}"),
                (None, Some(signal)) => {
                    write!(f, "Runtime exited with error: signal: {}", signal_name(signal))
                }
                (None, None) => f.write_str("Runtime exited"),
            },
        }
    }
}

/// A signal as Lambda's log names it.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        4 => "illegal instruction",
        6 => "aborted",
        7 => "bus error",
        8 => "floating point exception",
        9 => "killed",
        11 => "segmentation fault",
        15 => "terminated",
        other => return other.to_string(),
    };
    name.to_owned()
}
