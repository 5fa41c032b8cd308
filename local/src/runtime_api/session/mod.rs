//! The state machine of one execution environment. Every transition that is not implemented here is
//! refused with the messages of AWS's own emulator.
//!
//! The server's threads call its verbs as requests arrive; the owner of the environment queues
//! invocations, takes those that have ended, and closes it.

mod invocations;

use std::collections::HashSet;
use std::collections::VecDeque;
use std::fmt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;
use std::time::Instant;

use super::invocation::ApiError;
use super::invocation::Ended;
use super::invocation::Invocation;
use super::invocation::Outcome;
use super::invocation::Piece;

/// Lambda's limit for the number of extensions.
const MAX_EXTENSIONS: usize = 10;

/// The progress of the runtime's init.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Startup {
    /// It has not called `/next` yet.
    Initialising,
    /// It has called `/restore/next`, and its snapshot was restored at once.
    Restoring,
    /// It has called `/next`.
    Initialised,
    /// It has posted `/init/error` or `/restore/error`.
    Failed,
}

/// A delivered invocation without an answer yet.
#[derive(Debug)]
struct InFlight {
    invocation: Arc<Invocation>,
    /// Taken when the answer begins.
    live: Option<SyncSender<Piece>>,
    sent: Instant,
    /// The answer has begun and not ended.
    answering: bool,
}

/// Called once, when init ends.
struct AtInitEnd(Box<dyn FnOnce() + Send>);

impl fmt::Debug for AtInitEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AtInitEnd")
    }
}

/// One execution environment, as its Runtime API sees it.
#[derive(Debug)]
pub struct Session {
    startup: Startup,
    /// Limit for the runtime's concurrent invocations. Above one, it is a Managed Instance: an
    /// answer is passed on before the next `/next`, and a late one is refused with 410.
    concurrency: usize,
    /// Invocations that are not delivered yet.
    queue: VecDeque<Invocation>,
    in_flight: Vec<InFlight>,
    /// Invocations that have ended, in the order of their ends.
    ended: Vec<Ended>,
    /// Invocations that timed out while the process went on.
    expired: HashSet<String>,
    /// The last invocation is answered, and `/next` was not called since.
    answered: bool,
    /// Start time of the process.
    started: Instant,
    /// From the start to the first `/next` of the runtime and of every extension.
    init: Option<Duration>,
    at_init_end: Option<AtInitEnd>,
    /// Whether the platform takes a snapshot of the process after its init.
    takes_snapshot: bool,
    /// From the start to `/restore/next`.
    snapshot: Option<Duration>,
    /// Time at which the snapshot was restored.
    restored: Instant,
    /// From then to the first `/next`, or to the error posted to `/restore/error`.
    restore: Option<Duration>,
    /// The error posted to `/init/error` or `/restore/error`.
    init_error: Option<Outcome>,
    exit_status: Option<ExitStatus>,
    closed: bool,
    /// Identifiers of the registered internal extensions.
    extensions: Vec<String>,
    /// The number of them that have asked for an event.
    extensions_waiting: usize,
    requests: u64,
    connections: u64,
}

impl Session {
    /// The session of an environment whose process is about to start; its runtime handles up to
    /// `concurrency` invocations at once.
    pub fn new(concurrency: usize) -> Session {
        Session {
            startup: Startup::Initialising,
            concurrency: concurrency.max(1),
            queue: VecDeque::new(),
            in_flight: Vec::new(),
            ended: Vec::new(),
            expired: HashSet::new(),
            answered: false,
            started: Instant::now(),
            init: None,
            at_init_end: None,
            takes_snapshot: false,
            snapshot: None,
            restored: Instant::now(),
            restore: None,
            init_error: None,
            exit_status: None,
            closed: false,
            extensions: Vec::new(),
            extensions_waiting: 0,
            requests: 0,
            connections: 0,
        }
    }

    /// The platform takes a snapshot of the process after its init.
    pub fn take_snapshot(&mut self) {
        self.takes_snapshot = true;
    }

    /// The process starts now: its init is counted from here.
    pub fn start(&mut self) {
        self.started = Instant::now();
    }

    /// Has `act` called when init ends, before an invocation is delivered.
    pub fn at_init_end(&mut self, act: impl FnOnce() + Send + 'static) {
        self.at_init_end = Some(AtInitEnd(Box::new(act)));
    }

    /// Registers an internal extension under this identifier. That ends with the first `/next`.
    pub(super) fn register_extension(&mut self, identifier: String) -> Result<(), ApiError> {
        if self.startup != Startup::Initialising || self.extensions.len() >= MAX_EXTENSIONS {
            let message = "at most ten extensions can register, and only before the first /next";
            return Err(ApiError::new(403, "Extension.RegistrationClosed", message));
        }
        self.extensions.push(identifier);
        Ok(())
    }

    /// The extension with this identifier asks for an event, which says that it is ready.
    pub(super) fn extension_is_ready(&mut self, identifier: &str) -> Result<(), ApiError> {
        if !self.extensions.iter().any(|known| known == identifier) {
            let message = "the header Lambda-Extension-Identifier names no extension";
            return Err(ApiError::new(403, "Extension.UnknownExtensionIdentifier", message));
        }
        self.extensions_waiting += 1;
        self.finish_init(Instant::now());
        Ok(())
    }

    /// Ends `Init` once the runtime and every extension have called their `next`.
    fn finish_init(&mut self, now: Instant) {
        let extensions = self.extensions_waiting >= self.extensions.len();
        if self.init.is_none() && self.startup == Startup::Initialised && extensions {
            self.init = Some(now.saturating_duration_since(self.started));
            if let Some(AtInitEnd(act)) = self.at_init_end.take() {
                act();
            }
        }
    }

    /// Whether there are routes for snapshots.
    pub(super) fn takes_snapshot(&self) -> bool {
        self.takes_snapshot
    }

    /// The runtime is ready for a snapshot, which is taken and restored at once.
    pub(super) fn restore(&mut self, now: Instant) -> Result<(), ApiError> {
        if self.startup != Startup::Initialising {
            return Err(self.refuse("RestoreNext"));
        }
        self.startup = Startup::Restoring;
        self.snapshot = Some(now.saturating_duration_since(self.started));
        self.restored = Instant::now();
        Ok(())
    }

    /// An error was posted to `/restore/error`.
    pub(super) fn fail_restore(&mut self, now: Instant, outcome: Outcome) -> Result<(), ApiError> {
        if self.startup != Startup::Restoring {
            return Err(self.refuse("RestoreError"));
        }
        self.startup = Startup::Failed;
        self.restore = Some(now.saturating_duration_since(self.restored));
        self.init_error = Some(outcome);
        Ok(())
    }

    /// An error was posted to `/init/error`.
    pub(super) fn fail_init(&mut self, outcome: Outcome) -> Result<(), ApiError> {
        if self.startup != Startup::Initialising {
            return Err(self.refuse("InitError"));
        }
        self.startup = Startup::Failed;
        self.init_error = Some(outcome);
        Ok(())
    }

    /// The process has ended, so no answers will arrive.
    pub fn exit(&mut self, status: ExitStatus) {
        self.exit_status = Some(status);
        self.queue.clear();
        self.in_flight.clear();
    }

    /// No further invocation will be queued: from now on, `/next` is answered with 410.
    pub fn close(&mut self) {
        self.closed = true;
    }

    pub(super) fn count_connection(&mut self) {
        self.connections += 1;
    }

    pub(super) fn count_request(&mut self) {
        self.requests += 1;
    }

    /// The time from the process's start to the first `/next` of the runtime and of every
    /// extension; `None` until then.
    pub fn init(&self) -> Option<Duration> {
        self.init
    }

    /// The time from the process's start to `/restore/next`, if it got there.
    pub fn snapshot(&self) -> Option<Duration> {
        self.snapshot
    }

    /// The time from the restore of the snapshot to the first `/next`, or to its failure.
    pub fn restore_duration(&self) -> Option<Duration> {
        self.restore
    }

    /// The error posted to `/init/error` or `/restore/error`.
    pub fn init_error(&self) -> Option<&Outcome> {
        self.init_error.as_ref()
    }

    /// The exit status of the process, once it has ended.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.exit_status
    }

    /// Whether the session was closed.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether the process has registered an extension.
    pub fn has_extension(&self) -> bool {
        !self.extensions.is_empty()
    }

    /// Whether the runtime handles several invocations at once.
    pub fn is_concurrent(&self) -> bool {
        self.concurrency > 1
    }

    /// The number of requests.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// The number of connections.
    pub fn connections(&self) -> u64 {
        self.connections
    }

    fn refuse(&self, transition: &str) -> ApiError {
        let state = match self.startup {
            Startup::Initialising => "RuntimeStartedState",
            Startup::Restoring => "RuntimeRestoringState",
            Startup::Failed => "RuntimeInitErrorState",
            Startup::Initialised if !self.in_flight.is_empty() => "RuntimeRunningState",
            Startup::Initialised if self.answered => "RuntimeResponseSentState",
            Startup::Initialised => "RuntimeReadyState",
        };
        ApiError::new(
            403,
            "InvalidStateTransition",
            format!(
                "State transition from {state} to {transition} failed for runtime. \
                 Error: State transition is not allowed"
            ),
        )
    }
}

#[cfg(test)]
mod tests;
