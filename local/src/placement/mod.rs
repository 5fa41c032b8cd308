//! Placement: which execution environment takes an invocation, and when there is a new one.
//!
//! As Lambda's: an environment runs one invocation at a time; a free warm one is taken, the most
//! recently used first, else a new one is made, which is a cold start; beyond the reserved
//! concurrency the invocation is refused. With [`Function::max_concurrency`] it is as a Managed
//! Instance's instead: an environment runs several.

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

pub use self::invoke::Done;
pub use self::invoke::Request;
pub use self::invoke::invocation;

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
use crate::runtime_api::Piece;
use crate::sync::lock;
use crate::warming::Warming;

/// Environments that are shown after they have ended.
const MAX_ENDED: usize = 50;
/// Descriptors of one environment beside a connection for each worker: the Runtime API's socket, the
/// log's two ends while a process starts, and an extension's connection.
const DESCRIPTORS: usize = 4;

/// How a function's environments are kept.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The function's reserved concurrency.
    pub reserved: Option<usize>,
    /// How many environments are initialised ahead.
    pub provisioned: usize,
    /// After which an idle environment is ended, in Lambda's time.
    pub idle: Duration,
    /// Whether environments are stopped between invocations.
    pub freeze: bool,
    /// Whether a library that was built anew replaces the environments.
    pub watch: bool,
    /// How fast Lambda's time passes.
    pub clock: Clock,
    /// What is to keep environments warm, if anything.
    pub warming: Option<Warming>,
    /// Where logs go.
    pub logs: Logs,
    /// Where environments have their folders.
    pub folder: PathBuf,
    /// What the processes of all functions may open together.
    pub descriptors: Arc<Share>,
}

/// Where the lines of the environments go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logs {
    /// Nowhere; clients can ask for the end of them.
    Kept,
    /// To standard error, as they are.
    Plain,
    /// To standard error, each after its function's name and its environment's number.
    Labelled,
}

/// Why an invocation was not placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttled {
    /// The function's reserved concurrency is used up.
    Reserved,
    /// The account's is.
    Account,
    /// This machine has no room for another environment.
    NoCapacity,
    /// Everything is being ended.
    Closed,
}

/// A function's environments.
#[derive(Debug)]
pub struct Placement {
    /// The function.
    pub function: Function,
    settings: Settings,
    /// What times that are shown count from.
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
    /// Which state of the library's file new environments are made for.
    generation: u64,
    closed: bool,
    /// Something has happened that the maintenance is to look at.
    changed: bool,
}

#[derive(Debug)]
struct Entry {
    sandbox: Arc<Sandbox>,
    history: History,
    /// Invocations that it has.
    busy: usize,
}

impl Placement {
    /// Begins to keep environments, and initialises those that are wanted ahead.
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

    /// Places an invocation, and waits until it is over. Its answer goes to `pass_on` while it
    /// comes in, if there is one. `received` is when the request for it came in.
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

    /// Counts an invocation that was refused before it came here.
    pub fn count_throttle(&self) {
        self.pool().totals.throttles += 1;
    }

    /// Finds or makes an environment; says whether it is a new one.
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
        // Where a process takes several invocations, also while it starts; of a library that was
        // built anew meanwhile, none.
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
        log::say(format_args!("{}: an invocation is refused: {why}", self.function.name));
    }

    /// Makes an environment that is busy from the beginning.
    fn create(&self, pool: &mut Pool, provisioned: bool) -> Result<Arc<Sandbox>> {
        let workers = self.function.max_concurrency.map_or(1, usize::from);
        let descriptors = self.settings.descriptors.take(DESCRIPTORS + workers);
        let descriptors =
            descriptors.context("no file descriptors are left; raise the limit: ulimit -n")?;
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

    /// An environment of a running invocation has a process that asks for work, or has failed.
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

    /// Takes an invocation back for which no process could be started.
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

    /// Ends an environment that has been taken out; what it was stays to be seen.
    fn retire(&self, pool: &mut Pool, mut entry: Entry) {
        entry.history.set_phase(Phase::Ended);
        pool.ended.push_back(entry.history);
        if pool.ended.len() > MAX_ENDED {
            pool.ended.pop_front();
        }
        // Ending takes its time where there is a shutdown hook. Without a thread to spare, the
        // environment ends as it is dropped, and the guard ends what is left.
        let _ = thread::Builder::new().stack_size(256 << 10).spawn(move || {
            entry.sandbox.end();
            entry.sandbox.end_strays();
        });
    }

    /// Ends every environment, and takes no invocation any more.
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
            // A thread that panicked has printed why.
            let _ = maintenance.join();
        }
    }

    /// The environments, those that have ended too, and what they have done together.
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
