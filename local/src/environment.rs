//! An execution environment's process: one bootstrap, its Runtime API, and what becomes of both.

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
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use anyhow::Result;
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::process::Signal;

use crate::function::Function;
use crate::identifiers;
use crate::log::Log;
use crate::process;
use crate::runtime_api::Ended;
use crate::runtime_api::Invocation;
use crate::runtime_api::Outcome;
use crate::runtime_api::Piece;
use crate::runtime_api::RuntimeApi;
use crate::runtime_api::Session;
use crate::runtime_api::Shared;

/// Lambda's limit for `Init` before the first invocation.
pub const INIT_LIMIT: Duration = Duration::from_secs(10);
/// How long a process with an internal extension has from SIGTERM on; without one there is no
/// SIGTERM. Source: "Lambda execution environment lifecycle", shutdown phase.
pub const SHUTDOWN_LIMIT: Duration = Duration::from_millis(500);
/// Pieces of an answer that wait for a slow client, before the runtime has to wait.
const MAX_PIECES: usize = 16;

/// Why an invocation was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvokeError {
    /// There is no process: the program could not be started.
    NotStarted(String),
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
    log: Option<Arc<Log>>,
    reaper: Option<JoinHandle<()>>,
    /// The most memory seen so far, in KiB.
    peak: AtomicU64,
}

/// Where the output of the process goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To a log, which shows it on this process's standard error: each line after this label.
    Shown(String),
    /// To a log, and nowhere else.
    Kept,
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
        let concurrency = function.max_concurrency.map_or(1, usize::from);
        let api = RuntimeApi::start(concurrency).context("cannot listen on 127.0.0.1")?;
        let address = api.address().to_string();
        let token = api.shared().metadata_token.get_or_init(identifiers::uuid);
        let (log, stdout, stderr) = match output {
            Output::Hidden => (None, Stdio::null(), Stdio::null()),
            Output::Kept => opened(Log::open(None)?),
            Output::Shown(label) => opened(Log::open(Some(label))?),
        };
        let mut command = Command::new(&function.bootstrap);
        command
            .args(&function.arguments)
            .env_clear()
            .envs(function.environment(&address))
            .env("AWS_LAMBDA_METADATA_API", &address)
            .env("AWS_LAMBDA_METADATA_TOKEN", token)
            .current_dir(&function.task_root)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr);
        // All that can fail for want of room comes before the process, which then has an owner.
        if let Some(log) = &log {
            log.follow()?;
        }
        let (started, awaited) = mpsc::sync_channel(1);
        let shared = Arc::clone(api.shared());
        let reaper = thread::Builder::new().stack_size(256 << 10).spawn(move || {
            if let Ok(child) = awaited.recv() {
                reap(child, &shared);
            }
        })?;
        api.shared().change(prepare);
        api.shared().session().started = Instant::now();
        let child = process::spawn(&mut command)
            .with_context(|| format!("cannot start {}", function.bootstrap.display()))?;
        let pid = Pid::from_child(&child);
        // The thread takes it, since it waits for nothing else.
        let _ = started.send(child);
        // Our own copies of the ends that the process writes to.
        drop(command);
        let (reaper, peak) = (Some(reaper), AtomicU64::new(0));
        Ok(ExecutionEnvironment { api, pid, log, reaper, peak })
    }

    /// Waits for the first `/next`, and says how long it took from the process's start.
    pub fn wait_initialised(&self, limit: Duration) -> Result<Duration, InvokeError> {
        let found = self.api.shared().wait_for(limit, |session| {
            if let Some(init) = session.init {
                return Some(Ok(init));
            }
            // The process is to end by itself once it has reported; what it says last is shown.
            let exit = session.exited?;
            Some(Err(match session.init_error.clone() {
                Some(error) => InvokeError::InitError(error),
                None => InvokeError::Exited(exit),
            }))
        });
        self.peak_memory_kib();
        found.unwrap_or_else(|| {
            self.end();
            let error = self.api.shared().session().init_error.clone();
            Err(error.map_or(InvokeError::TimedOut, InvokeError::InitError))
        })
    }

    /// Has the runtime handle an invocation. It is over when the runtime asks for the next one, or
    /// ends.
    pub fn invoke(&self, invocation: Invocation, limit: Duration) -> Result<Ended, InvokeError> {
        let end = Instant::now().checked_add(limit);
        let request_id = invocation.request_id.clone();
        self.api.shared().change(|session| session.queue.push_back(invocation));
        self.wait_ended(&request_id, end)
    }

    /// As [`ExecutionEnvironment::invoke`], and passes the answer on while it comes in.
    pub fn invoke_live(
        &self,
        mut invocation: Invocation,
        limit: Duration,
        mut pass_on: impl FnMut(Piece),
    ) -> Result<Ended, InvokeError> {
        let end = Instant::now().checked_add(limit);
        let request_id = invocation.request_id.clone();
        let (sender, pieces) = mpsc::sync_channel(MAX_PIECES);
        invocation.live = Some(sender);
        self.api.shared().change(|session| session.queue.push_back(invocation));
        loop {
            match pieces.recv_timeout(remaining(end)) {
                Ok(piece) => pass_on(piece),
                // The answer has ended, or the process has.
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
        self.wait_ended(&request_id, end)
    }

    fn wait_ended(&self, request_id: &str, end: Option<Instant>) -> Result<Ended, InvokeError> {
        let found = self.api.shared().wait_for(remaining(end), |session| {
            let index = session.ended.iter().position(|ended| ended.request_id == request_id);
            if let Some(index) = index {
                return session.is_idle().then(|| Ok(session.ended.swap_remove(index)));
            }
            session.exited.map(|exit| Err(InvokeError::Exited(exit)))
        });
        found.unwrap_or_else(|| {
            if self.shared().session().concurrency > 1 {
                // The process has other invocations, which are not to suffer.
                self.shared().session().expire(request_id);
            } else {
                self.end();
            }
            Err(InvokeError::TimedOut)
        })
    }

    /// Stops the process between invocations, as Lambda freezes an environment.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Has a frozen process go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// The session, for whoever wants to look closer.
    pub fn shared(&self) -> &Shared {
        self.api.shared()
    }

    /// What the process writes, unless it is hidden.
    pub fn log(&self) -> Option<&Log> {
        self.log.as_deref()
    }

    /// The process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Peak memory of the process so far, in KiB; of one that has ended, as far as it was seen. (The
    /// kernel's own count for an ended child begins with its parent's memory.)
    pub fn peak_memory_kib(&self) -> u64 {
        let status = fs::read_to_string(process::proc_file(self.pid, "status"));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        self.peak.fetch_max(peak.unwrap_or(0), Ordering::Relaxed).max(peak.unwrap_or(0))
    }

    /// How many page faults the process has had that needed no storage, and how many that did.
    pub fn page_faults(&self) -> Option<(u64, u64)> {
        let stat = fs::read_to_string(process::proc_file(self.pid, "stat")).ok()?;
        // The second field, in parentheses, is the program's name and may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some((fields.get(7)?.parse().ok()?, fields.get(9)?.parse().ok()?))
    }

    /// Whether the process is there.
    pub fn is_alive(&self) -> bool {
        self.shared().session().exited.is_none()
    }

    /// Ends the process as Lambda does, and waits until it is gone: at once without extensions,
    /// and otherwise after SIGTERM and a little time.
    pub fn end(&self) {
        if !self.shared().session().extensions().is_empty() {
            self.signal(Signal::TERM);
            self.thaw();
            if self.shared().wait_for(SHUTDOWN_LIMIT, |session| session.exited).is_some() {
                return;
            }
        }
        self.signal(Signal::KILL);
        self.shared().wait_for(Duration::MAX, |session| session.exited);
    }

    /// Sends a signal to the process and what it has started.
    fn signal(&self, signal: Signal) {
        // While the session is locked, the process cannot be reaped and its id not be reused.
        let session = self.shared().session();
        if session.exited.is_none() {
            // It may have ended by itself a moment ago.
            let _ = rustix::process::kill_process_group(self.pid, signal);
        }
    }
}

impl Drop for ExecutionEnvironment {
    fn drop(&mut self) {
        self.end();
        if let Some(reaper) = self.reaper.take() {
            // A thread that panicked has printed why.
            let _ = reaper.join();
        }
        if let Some(log) = &self.log {
            log.read();
        }
    }
}

fn opened((log, stdout, stderr): (Arc<Log>, Stdio, Stdio)) -> (Option<Arc<Log>>, Stdio, Stdio) {
    (Some(log), stdout, stderr)
}

/// Whether a start failed because this machine has no room for it (no descriptors, processes, memory
/// or disk), and not by a fault of the program's.
pub fn is_shortage(error: &anyhow::Error) -> bool {
    let shortages = [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM, Errno::NOSPC];
    error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|cause| {
        cause.raw_os_error().is_some_and(|code| shortages.map(Errno::raw_os_error).contains(&code))
    })
}

/// What is left of a limit; one too far to be added to the clock is none.
fn remaining(end: Option<Instant>) -> Duration {
    end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()))
}

fn reap(mut child: Child, shared: &Shared) {
    process::wait(&child);
    // Where SIGCHLD is ignored, the kernel has reaped the process and forgotten how it ended.
    shared.change(|session| session.exit(child.wait().unwrap_or_default()));
}

impl fmt::Display for InvokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use std::os::unix::process::ExitStatusExt as _;
        match self {
            InvokeError::NotStarted(why) => f.write_str(why),
            InvokeError::InitError(_) => f.write_str("the runtime reported that it cannot start"),
            InvokeError::TimedOut => f.write_str("the time was up"),
            InvokeError::Exited(status) => match (status.code(), status.signal()) {
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
