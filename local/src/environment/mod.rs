//! An execution environment's process: one bootstrap and its Runtime API, from start to end.

mod confinement;
mod error;
mod pacer;
mod pauses;
mod usage;
mod watch;

use std::process::Child;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use anyhow::Result;
use rustix::process::Pid;
use rustix::process::Signal;

pub use self::error::InvokeError;
pub use self::error::is_shortage;

use self::confinement::Confinement;
use self::pauses::Pauses;
use self::pauses::Reason;
use crate::function::Function;
use crate::function::SNAP_START;
use crate::log::Log;
use crate::process;
use crate::runtime_api::Ended;
use crate::runtime_api::Invocation;
use crate::runtime_api::Piece;
use crate::runtime_api::RuntimeApi;
use crate::runtime_api::Session;
use crate::runtime_api::Shared;
use crate::threads;

/// Lambda's limit for `Init` before the first invocation.
pub const INIT_LIMIT: Duration = Duration::from_secs(10);
/// Limit for the time from SIGTERM to the end of a process with an internal extension; a process
/// without one gets no SIGTERM. Source: "Lambda execution environment lifecycle", shutdown phase.
pub const SHUTDOWN_LIMIT: Duration = Duration::from_millis(500);
/// Limit for the pieces of an answer that are buffered for a slow client; then the runtime waits.
const MAX_PIECES: usize = 16;

/// A running execution environment. Dropping it ends its process.
#[derive(Debug)]
pub struct ExecutionEnvironment {
    api: RuntimeApi,
    pid: Pid,
    log: Option<Arc<Log>>,
    reaper: Option<JoinHandle<()>>,
    /// Peak memory so far, in KiB.
    peak: AtomicU64,
    pauses: Arc<Pauses>,
    confinement: Arc<Confinement>,
}

/// The destination of the process's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A log, which copies each line to this process's standard error, prefixed with this label.
    Shown(String),
    /// A log.
    Kept,
    /// None.
    Hidden,
}

impl ExecutionEnvironment {
    /// Starts a process as Lambda does: with its variables, its working directory and no arguments.
    pub fn start(function: &Function, output: Output) -> Result<ExecutionEnvironment> {
        ExecutionEnvironment::start_with(function, output, |_| {})
    }

    /// Like [`ExecutionEnvironment::start`], but changes the session before the process starts.
    pub fn start_with(
        function: &Function,
        output: Output,
        prepare: impl FnOnce(&mut Session),
    ) -> Result<ExecutionEnvironment> {
        let concurrency = function.max_concurrency.map_or(1, usize::from);
        let api = RuntimeApi::start(concurrency).context("cannot listen on 127.0.0.1")?;
        let address = api.address().to_string();
        let (log, stdout, stderr) = match output {
            Output::Hidden => (None, Stdio::null(), Stdio::null()),
            Output::Kept => opened(Log::open(None)?),
            Output::Shown(label) => opened(Log::open(Some(label))?),
        };
        let mut command = function.command();
        command
            .env_clear()
            .envs(function.environment(&address))
            .env("AWS_LAMBDA_METADATA_API", &address)
            .env("AWS_LAMBDA_METADATA_TOKEN", api.shared().metadata_token())
            .current_dir(&function.task_root)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr);
        // Everything that can fail for lack of resources is done before the process starts, so that
        // the process always has an owner.
        if let Some(log) = &log {
            log.follow()?;
        }
        let (started, awaited) = mpsc::sync_channel(1);
        let shared = Arc::clone(api.shared());
        let reaper = threads::small().spawn(move || {
            if let Ok(child) = awaited.recv() {
                reap(child, &shared);
            }
        })?;
        let confinement = Arc::new(Confinement::of(function)?);
        let confined = Arc::clone(&confinement);
        api.shared().change(|session| {
            session.at_init_end(move || confined.end_init());
            prepare(session);
        });
        if function.initialization_type == SNAP_START {
            api.shared().session().take_snapshot();
        }
        api.shared().session().start();
        let (child, confined) = confinement
            .start(|| process::spawn(&mut command))
            .with_context(|| format!("cannot start {}", function.bootstrap.display()))?;
        let pid = Pid::from_child(&child);
        // It cannot fail: the thread waits for it.
        let _ = started.send(child);
        // Closes this process's copies of the pipe's writing ends.
        drop(command);
        let (reaper, peak) = (Some(reaper), AtomicU64::new(0));
        let pauses = Arc::new(Pauses::new(Arc::clone(api.shared()), pid));
        let watched = confinement.watch(api.shared(), &pauses, pid);
        // From here on, dropping the environment ends the process.
        let environment = ExecutionEnvironment { api, pid, log, reaper, peak, pauses, confinement };
        confined.and(watched).context("cannot hold the process to its limits")?;
        Ok(environment)
    }

    /// Waits for the first `/next`, and returns the time from the process's start until then.
    pub fn wait_initialised(&self, limit: Duration) -> Result<Duration, InvokeError> {
        let found = self.api.shared().wait_for(limit, |session| {
            if let Some(init) = session.init() {
                return Some(Ok(init));
            }
            // A process that reported an init error ends by itself; its last output is not cut off.
            let exit = session.exit_status()?;
            Some(Err(match session.init_error() {
                Some(error) => InvokeError::InitError(error.clone()),
                None => InvokeError::Exited(exit),
            }))
        });
        self.peak_memory_kib();
        found.unwrap_or_else(|| {
            self.end();
            let error = self.api.shared().session().init_error().cloned();
            Err(error.map_or(InvokeError::TimedOut, InvokeError::InitError))
        })
    }

    /// Lets the runtime handle an invocation. It ends with the next `/next`, or with the process.
    pub fn invoke(&self, invocation: Invocation, limit: Duration) -> Result<Ended, InvokeError> {
        let end = Instant::now().checked_add(limit);
        let request_id = invocation.request_id.clone();
        self.api.shared().change(|session| session.enqueue(invocation));
        self.wait_ended(&request_id, end)
    }

    /// Like [`ExecutionEnvironment::invoke`], and passes the answer on while it arrives.
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
        self.api.shared().change(|session| session.enqueue(invocation));
        // It ends when the answer or the process has ended, or the invocation timed out.
        while let Ok(piece) = pieces.recv_timeout(remaining(end)) {
            pass_on(piece);
        }
        self.wait_ended(&request_id, end)
    }

    fn wait_ended(&self, request_id: &str, end: Option<Instant>) -> Result<Ended, InvokeError> {
        let found = self.api.shared().wait_for(remaining(end), |session| {
            if !session.has_ended(request_id) {
                return session.exit_status().map(|exit| Err(InvokeError::Exited(exit)));
            }
            if session.is_idle() { session.take_ended(request_id).map(Ok) } else { None }
        });
        if matches!(found, Some(Ok(_))) && self.confinement.is_exceeded_by(self.pid) {
            return Err(InvokeError::Exited(self.kill()));
        }
        found.unwrap_or_else(|| {
            let is_concurrent = self.shared().session().is_concurrent();
            if is_concurrent {
                // The process goes on, because it has other invocations.
                self.shared().session().expire(request_id);
            } else {
                self.end();
            }
            Err(InvokeError::TimedOut)
        })
    }

    /// Stops the process between invocations, as Lambda freezes an environment.
    pub fn freeze(&self) {
        self.pauses.stop(Reason::Frozen);
    }

    /// Continues a frozen process.
    pub fn thaw(&self) {
        self.pauses.resume(Reason::Frozen);
    }

    /// The state of its Runtime API.
    pub fn shared(&self) -> &Shared {
        self.api.shared()
    }

    /// The log, unless the output is hidden.
    pub fn log(&self) -> Option<&Log> {
        self.log.as_deref()
    }

    /// The process id.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Peak memory of the process so far, in KiB; after its end, the last value that was read. (The
    /// kernel's own count for an ended child includes its parent's memory before `exec`.) It is all
    /// of the function's memory if the process was ended because it had more.
    pub fn peak_memory_kib(&self) -> u64 {
        if self.confinement.is_out_of_memory() {
            return self.confinement.memory_kib();
        }
        let peak = usage::peak_memory_kib(self.pid);
        self.peak.fetch_max(peak, Ordering::Relaxed).max(peak)
    }

    /// The numbers of minor and of major page faults of the process.
    pub fn page_faults(&self) -> Option<(u64, u64)> {
        let fields = usage::stat(self.pid);
        Some((fields.get(7)?.parse().ok()?, fields.get(9)?.parse().ok()?))
    }

    /// Whether the process has not ended.
    pub fn is_alive(&self) -> bool {
        self.shared().session().exit_status().is_none()
    }

    /// Ends the process as Lambda does, and waits until it is gone: with SIGKILL, after SIGTERM and
    /// [`SHUTDOWN_LIMIT`] if it has an extension.
    pub fn end(&self) {
        let has_extension = self.shared().session().has_extension();
        if has_extension {
            self.pauses.signal(Signal::TERM);
            self.thaw();
            if self.shared().wait_for(SHUTDOWN_LIMIT, |session| session.exit_status()).is_some() {
                return;
            }
        }
        self.kill();
    }

    /// Ends the process at once, and waits until it is gone.
    fn kill(&self) -> ExitStatus {
        self.pauses.signal(Signal::KILL);
        let exit = self.shared().wait_for(Duration::MAX, |session| session.exit_status());
        exit.unwrap_or_default()
    }
}

impl Drop for ExecutionEnvironment {
    fn drop(&mut self) {
        self.end();
        if let Some(reaper) = self.reaper.take() {
            // A thread that panicked has printed its message.
            let _ = reaper.join();
        }
        self.confinement.remove_group();
        if let Some(log) = &self.log {
            log.read();
        }
    }
}

fn opened((log, stdout, stderr): (Arc<Log>, Stdio, Stdio)) -> (Option<Arc<Log>>, Stdio, Stdio) {
    (Some(log), stdout, stderr)
}

/// The time left until `end`; `None` means no limit.
fn remaining(end: Option<Instant>) -> Duration {
    end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()))
}

fn reap(mut child: Child, shared: &Shared) {
    process::wait(&child);
    // If SIGCHLD is ignored, the kernel has reaped the process and its exit status is lost.
    shared.change(|session| session.exit(child.wait().unwrap_or_default()));
}
