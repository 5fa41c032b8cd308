//! Placement: chooses the execution environment for an invocation, or creates one.
//!
//! As on Lambda, an environment runs one invocation at a time. A free warm environment is used, the
//! most recently used first; without one, a new environment is created, which is a cold start.
//! Beyond the reserved concurrency, the invocation is refused. With [`Function::max_concurrency`],
//! an environment runs several invocations at once, as on a Managed Instance.

mod invoke;
mod journal;
mod maintenance;
mod sandbox;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use anyhow::Result;
use serde_json::Value;
use serde_json::json;

pub use self::invoke::Request;
pub use self::invoke::invocation;
pub use self::journal::Done;

use self::invoke::NoCapacity;
use self::journal::History;
use self::journal::Phase;
use self::journal::Span;
use self::journal::Totals;
use self::sandbox::Sandbox;
use self::sandbox::SandboxOptions;
use crate::clock::Clock;
use crate::descriptors::Share;
use crate::function::Function;
use crate::log;
use crate::ping::Warming;
use crate::runtime_api::Piece;
use crate::sync::lock;

/// Limit for the ended environments that are still shown.
const MAX_ENDED: usize = 50;
/// File descriptors of one environment, without a connection for each worker: the Runtime API's
/// socket, the log's two ends while a process starts, and an extension's connection.
const DESCRIPTORS: usize = 4;

/// The settings of a function's environments.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The function's reserved concurrency.
    pub reserved: Option<usize>,
    /// The function's provisioned concurrency: environments that are initialised in advance.
    pub provisioned: usize,
    /// The idle time after which an environment is ended, in Lambda's time.
    pub idle: Duration,
    /// Whether processes are stopped between invocations.
    pub freeze: bool,
    /// Whether the environments are replaced when the library is rebuilt.
    pub watch: bool,
    /// The speed of Lambda's time.
    pub clock: Clock,
    /// The warming schedule, if there is one.
    pub warming: Option<Warming>,
    /// The destination of the logs.
    pub logs: Logs,
    /// The folder that holds the environments' folders.
    pub folder: PathBuf,
    /// The file descriptors that all functions share.
    pub descriptors: Arc<Share>,
}

/// The destination of the environments' log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logs {
    /// Nowhere; clients can request the tail.
    Kept,
    /// Standard error, unchanged.
    Plain,
    /// Standard error, each line prefixed with the function's name and the environment's number.
    Labelled,
}

/// The reason that an invocation was not placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttled {
    /// The function's reserved concurrency is used up.
    Reserved,
    /// The account's concurrency is used up.
    Account,
    /// This machine cannot run another environment.
    NoCapacity,
    /// The server is shutting down.
    Closed,
}

/// A function's environments.
#[derive(Debug)]
pub struct Placement {
    /// The function.
    pub function: Function,
    settings: Settings,
    /// The origin of the times that are shown.
    epoch: Instant,
    pool: Mutex<Pool>,
    changed: Condvar,
    maintenance: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Pool {
    environments: Vec<Entry>,
    ended: VecDeque<History>,
    totals: Totals,
    last_number: u64,
    in_flight: usize,
    /// The build of the library that new environments run: a counter.
    generation: u64,
    closed: bool,
    /// Something changed that the maintenance thread has not seen yet.
    changed: bool,
}

#[derive(Debug)]
struct Entry {
    sandbox: Arc<Sandbox>,
    history: History,
    /// The number of its running invocations.
    busy: usize,
}

impl Placement {
    /// Initialises the provisioned environments, and starts the maintenance thread.
    pub fn open(function: Function, settings: Settings, epoch: Instant) -> Result<Arc<Placement>> {
        let placement = Arc::new(Placement {
            function,
            settings,
            epoch,
            pool: Mutex::default(),
            changed: Condvar::new(),
            maintenance: Mutex::new(None),
        });
        placement.provision()?;
        let maintained = Arc::clone(&placement);
        let maintenance = thread::spawn(move || maintained.maintain());
        *lock(&placement.maintenance) = Some(maintenance);
        Ok(placement)
    }

    /// Places an invocation, and waits until it has ended. `pass_on`, if given, gets the pieces of
    /// the answer while they arrive. `received` is the arrival time of the client's request.
    pub fn invoke(
        &self,
        request: Request,
        received: Instant,
        pass_on: Option<&mut dyn FnMut(Piece)>,
    ) -> Result<Done, Throttled> {
        let (sandbox, fresh) = self.place()?;
        let initialised = |span| self.initialised(&sandbox, span);
        match invoke::run(&self.function, &sandbox, fresh, request, &initialised, pass_on) {
            Ok(done) => {
                self.release(&sandbox, &done, received.elapsed());
                Ok(done)
            }
            Err(NoCapacity(why)) => {
                self.log_no_capacity(&why);
                self.withdraw(&sandbox);
                Err(Throttled::NoCapacity)
            }
        }
    }

    /// The function's reserved concurrency, if it has one.
    pub fn reserved(&self) -> Option<usize> {
        self.settings.reserved
    }

    /// Counts an invocation that the caller refused.
    pub fn count_throttle(&self) {
        self.pool().totals.throttles += 1;
    }

    /// Finds or creates an environment; the flag says whether it is new.
    fn place(&self) -> Result<(Arc<Sandbox>, bool), Throttled> {
        let mut pool = self.pool();
        if pool.closed {
            return Err(Throttled::Closed);
        }
        if self.settings.reserved.is_some_and(|reserved| pool.in_flight >= reserved) {
            pool.totals.throttles += 1;
            return Err(Throttled::Reserved);
        }
        let room = self.function.max_concurrency.map_or(1, usize::from);
        let generation = pool.generation;
        // A process that runs several invocations takes them also while it starts. An environment
        // of an earlier build of the library takes none.
        let is_free =
            |entry: &&mut Entry| entry.busy < room && entry.sandbox.generation == generation;
        let best = pool.environments.iter_mut().filter(is_free).max_by_key(|entry| {
            let starts = entry.history.phase == Phase::Initialising;
            (!starts, entry.sandbox.provisioned, entry.history.since)
        });
        let placed = if let Some(entry) = best {
            entry.busy += 1;
            if entry.history.phase != Phase::Initialising {
                entry.history.set_phase(Phase::Busy);
            }
            (Arc::clone(&entry.sandbox), false)
        } else {
            let made = self.create(&mut pool, false);
            (made.map_err(|error| self.refuse(&mut pool, &error))?, true)
        };
        pool.in_flight += 1;
        Ok(placed)
    }

    fn refuse(&self, pool: &mut Pool, error: &anyhow::Error) -> Throttled {
        pool.totals.throttles += 1;
        self.log_no_capacity(&format!("{error:#}"));
        Throttled::NoCapacity
    }

    fn log_no_capacity(&self, why: &str) {
        log::say(format_args!("{}: invocation refused: {why}", self.function.name));
    }

    /// Creates an environment, which counts as busy at once.
    fn create(&self, pool: &mut Pool, provisioned: bool) -> Result<Arc<Sandbox>> {
        let workers = self.function.max_concurrency.map_or(1, usize::from);
        let descriptors = self.settings.descriptors.take(DESCRIPTORS + workers);
        let descriptors =
            descriptors.context("no file descriptors left; raise the limit with ulimit -n")?;
        pool.last_number += 1;
        let number = pool.last_number;
        let options = SandboxOptions {
            folder: self.settings.folder.join(format!("{}-{number}", self.function.name)),
            number,
            provisioned,
            generation: pool.generation,
            logs: self.settings.logs,
            descriptors,
        };
        let sandbox = Arc::new(Sandbox::new(&self.function, options)?);
        let history = History::new(number, provisioned);
        pool.environments.push(Entry { sandbox: Arc::clone(&sandbox), history, busy: 1 });
        Ok(sandbox)
    }

    /// Records that the environment of a running invocation has finished or failed an init.
    fn initialised(&self, sandbox: &Sandbox, span: Span) {
        let pid = sandbox.process().map(|process| process.pid().as_raw_nonzero().get());
        let mut pool = self.pool();
        let mut entries = pool.environments.iter_mut();
        if let Some(entry) = entries.find(|entry| entry.sandbox.number == sandbox.number) {
            entry.history.add(span, pid, 0);
            entry.history.set_phase(Phase::Busy);
        }
    }

    fn release(&self, sandbox: &Sandbox, done: &Done, whole: Duration) {
        let ready = sandbox.ready();
        let pid = ready.as_ref().map(|process| process.pid().as_raw_nonzero().get());
        let mut pool = self.pool();
        pool.in_flight -= 1;
        pool.totals.count(done, whole);
        let generation = pool.generation;
        let closed = pool.closed;
        let found =
            pool.environments.iter().position(|entry| entry.sandbox.number == sandbox.number);
        let Some(index) = found else { return };
        let entry = &mut pool.environments[index];
        entry.busy -= 1;
        entry.history.add(done.span.clone(), pid, done.memory_kib);
        let stale = sandbox.generation != generation || sandbox.provisioned && ready.is_none();
        if entry.busy > 0 {
            return;
        }
        if stale || closed {
            let entry = pool.environments.swap_remove(index);
            self.retire(&mut pool, entry);
        } else if let Some(process) = ready.filter(|_| self.freezes()) {
            process.freeze();
            entry.history.set_phase(Phase::Frozen);
        } else {
            entry.history.set_phase(Phase::Idle);
        }
        pool.changed = true;
        drop(pool);
        self.changed.notify_all();
    }

    /// Removes an invocation for which no process could be started.
    fn withdraw(&self, sandbox: &Sandbox) {
        let mut pool = self.pool();
        pool.in_flight -= 1;
        pool.totals.throttles += 1;
        let found =
            pool.environments.iter().position(|entry| entry.sandbox.number == sandbox.number);
        let Some(index) = found else { return };
        pool.environments[index].busy -= 1;
        if pool.environments[index].busy == 0 {
            let entry = pool.environments.swap_remove(index);
            self.retire(&mut pool, entry);
        }
    }

    fn freezes(&self) -> bool {
        self.settings.freeze && self.function.max_concurrency.is_none()
    }

    /// Ends an environment that was removed from the pool; its history stays visible.
    fn retire(&self, pool: &mut Pool, mut entry: Entry) {
        entry.history.set_phase(Phase::Ended);
        pool.ended.push_back(entry.history);
        if pool.ended.len() > MAX_ENDED {
            pool.ended.pop_front();
        }
        // A shutdown hook takes time, hence a thread. If none can be started, dropping the sandbox
        // ends the process, and the guard later ends what is left.
        let _ = thread::Builder::new().stack_size(256 << 10).spawn(move || {
            entry.sandbox.end();
            entry.sandbox.end_strays();
        });
    }

    /// Ends every environment, and refuses further invocations.
    pub fn close(&self) {
        let ending: Vec<_> = {
            let mut pool = self.pool();
            pool.closed = true;
            pool.environments.drain(..).collect()
        };
        self.changed.notify_all();
        thread::scope(|scope| {
            for entry in &ending {
                let builder = thread::Builder::new().stack_size(256 << 10);
                if builder.spawn_scoped(scope, || entry.sandbox.end()).is_err() {
                    entry.sandbox.end();
                }
            }
        });
        let maintenance = lock(&self.maintenance).take();
        if let Some(maintenance) = maintenance {
            // A thread that panicked has printed its message.
            let _ = maintenance.join();
        }
    }

    /// The entry of `GET /environments`: settings, totals, current and ended environments.
    pub fn json(&self) -> Value {
        let pool = self.pool();
        let histories =
            pool.ended.iter().chain(pool.environments.iter().map(|entry| &entry.history));
        let mut histories: Vec<_> = histories.collect();
        histories.sort_by_key(|history| history.number);
        json!({
            "name": self.function.name,
            "arn": self.function.arn(),
            "memory_mb": self.function.memory_mb,
            "timeout_s": self.function.timeout.as_secs_f64(),
            "reserved": self.settings.reserved,
            "provisioned": self.settings.provisioned,
            "freezes": self.freezes(),
            "warming": self.settings.warming.as_ref().map(|warming| warming.json(self.settings.clock)),
            "in_flight": pool.in_flight,
            "totals": pool.totals.json(),
            "environments": histories.iter().map(|history| history.json(self.epoch)).collect::<Vec<_>>(),
        })
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        lock(&self.pool)
    }
}
