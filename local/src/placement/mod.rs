//! Placement: which execution environment takes an invocation, and when there is a new one.
//!
//! As Lambda's: an environment runs one invocation at a time; a free warm one is taken, the most
//! recently used first, else a new one is made, which is a cold start; beyond the reserved
//! concurrency the invocation is refused. With [`Function::max_concurrency`] it is as a Managed
//! Instance's instead: an environment runs several.

mod invoke;
mod journal;
mod sandbox;
mod upkeep;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
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

use self::invoke::NoRoom;
use self::journal::Life;
use self::journal::Phase;
use self::journal::Span;
use self::journal::Totals;
use self::sandbox::Making;
use self::sandbox::Sandbox;
use crate::clock::Clock;
use crate::descriptors::Share;
use crate::function::Function;
use crate::log;
use crate::runtime_api::Piece;
use crate::warming::Warming;

/// Environments that are shown after they have ended.
const MAX_ENDED: usize = 50;
/// Descriptors of one environment beside a connection for each worker: the Runtime API's socket,
/// the log's two ends while a process starts, and an extension's connection.
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
    /// The destination of logs.
    pub logs: Logs,
    /// Where environments have their folders.
    pub folder: PathBuf,
    /// Descriptors for the processes of all functions together.
    pub descriptors: Arc<Share>,
}

/// The destination of the lines of the environments.
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
    NoRoom,
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
    state: Mutex<State>,
    changed: Condvar,
    upkeep: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct State {
    environments: Vec<Entry>,
    ended: VecDeque<Life>,
    totals: Totals,
    last_number: u64,
    in_flight: usize,
    /// Which state of the library's file new environments are made for.
    generation: u64,
    closed: bool,
    /// Something has happened that the upkeep is to look at.
    changed: bool,
}

#[derive(Debug)]
struct Entry {
    sandbox: Arc<Sandbox>,
    life: Life,
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
            state: Mutex::default(),
            changed: Condvar::new(),
            upkeep: Mutex::new(None),
        });
        placement.provision()?;
        let keeper = Arc::clone(&placement);
        let upkeep = thread::spawn(move || keeper.keep());
        *placement.upkeep.lock().unwrap_or_else(PoisonError::into_inner) = Some(upkeep);
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
            Err(NoRoom(why)) => {
                self.say_no_room(&why);
                self.withdraw(&sandbox);
                Err(Throttled::NoRoom)
            }
        }
    }

    /// The function's reserved concurrency, if it has one.
    pub fn reserved(&self) -> Option<usize> {
        self.settings.reserved
    }

    /// Counts an invocation that was refused before it came here.
    pub fn count_throttle(&self) {
        self.state().totals.throttles += 1;
    }

    /// Finds or makes an environment; says whether it is a new one.
    fn place(&self) -> Result<(Arc<Sandbox>, bool), Throttled> {
        let mut state = self.state();
        if state.closed {
            return Err(Throttled::Closed);
        }
        if self.settings.reserved.is_some_and(|reserved| state.in_flight >= reserved) {
            state.totals.throttles += 1;
            return Err(Throttled::Reserved);
        }
        let room = self.function.max_concurrency.map_or(1, usize::from);
        let generation = state.generation;
        // Where a process takes several invocations, also while it starts; of a library that was
        // built anew meanwhile, none.
        let is_free =
            |entry: &&mut Entry| entry.busy < room && entry.sandbox.generation == generation;
        let best = state.environments.iter_mut().filter(is_free).max_by_key(|entry| {
            let starts = entry.life.phase == Phase::Initialising;
            (!starts, entry.sandbox.provisioned, entry.life.since)
        });
        let placed = if let Some(entry) = best {
            entry.busy += 1;
            if entry.life.phase != Phase::Initialising {
                entry.life.turn(Phase::Busy);
            }
            (Arc::clone(&entry.sandbox), false)
        } else {
            let made = self.create(&mut state, false);
            (made.map_err(|error| self.refuse(&mut state, &error))?, true)
        };
        state.in_flight += 1;
        Ok(placed)
    }

    fn refuse(&self, state: &mut State, error: &anyhow::Error) -> Throttled {
        state.totals.throttles += 1;
        self.say_no_room(&format!("{error:#}"));
        Throttled::NoRoom
    }

    fn say_no_room(&self, why: &str) {
        log::say(format_args!("{}: an invocation is refused: {why}", self.function.name));
    }

    /// Makes an environment that is busy from the beginning.
    fn create(&self, state: &mut State, provisioned: bool) -> Result<Arc<Sandbox>> {
        let workers = self.function.max_concurrency.map_or(1, usize::from);
        let descriptors = self.settings.descriptors.take(DESCRIPTORS + workers);
        let descriptors =
            descriptors.context("no file descriptors are left; raise the limit: ulimit -n")?;
        state.last_number += 1;
        let number = state.last_number;
        let making = Making {
            folder: self.settings.folder.join(format!("{}-{number}", self.function.name)),
            number,
            provisioned,
            generation: state.generation,
            logs: self.settings.logs,
            descriptors,
        };
        let sandbox = Arc::new(Sandbox::new(&self.function, making)?);
        let life = Life::new(number, provisioned);
        state.environments.push(Entry { sandbox: Arc::clone(&sandbox), life, busy: 1 });
        Ok(sandbox)
    }

    /// An environment of a running invocation has a process that asks for work, or has failed.
    fn initialised(&self, sandbox: &Sandbox, span: Span) {
        let pid = sandbox.process().map(|process| process.pid().as_raw_nonzero().get());
        let mut state = self.state();
        let mut entries = state.environments.iter_mut();
        if let Some(entry) = entries.find(|entry| entry.sandbox.number == sandbox.number) {
            entry.life.add(span, pid, 0);
            entry.life.turn(Phase::Busy);
        }
    }

    fn release(&self, sandbox: &Sandbox, done: &Done, whole: Duration) {
        let ready = sandbox.ready();
        let pid = ready.as_ref().map(|process| process.pid().as_raw_nonzero().get());
        let mut state = self.state();
        state.in_flight -= 1;
        state.totals.count(done, whole);
        let generation = state.generation;
        let closed = state.closed;
        let found =
            state.environments.iter().position(|entry| entry.sandbox.number == sandbox.number);
        let Some(place) = found else { return };
        let entry = &mut state.environments[place];
        entry.busy -= 1;
        entry.life.add(done.span.clone(), pid, done.memory_kib);
        let stale = sandbox.generation != generation || sandbox.provisioned && ready.is_none();
        if entry.busy > 0 {
            return;
        }
        if stale || closed {
            let entry = state.environments.swap_remove(place);
            self.bury(&mut state, entry);
        } else if let Some(process) = ready.filter(|_| self.freezes()) {
            process.freeze();
            entry.life.turn(Phase::Frozen);
        } else {
            entry.life.turn(Phase::Idle);
        }
        state.changed = true;
        drop(state);
        self.changed.notify_all();
    }

    /// Takes an invocation back for which no process could be started.
    fn withdraw(&self, sandbox: &Sandbox) {
        let mut state = self.state();
        state.in_flight -= 1;
        state.totals.throttles += 1;
        let found =
            state.environments.iter().position(|entry| entry.sandbox.number == sandbox.number);
        let Some(place) = found else { return };
        state.environments[place].busy -= 1;
        if state.environments[place].busy == 0 {
            let entry = state.environments.swap_remove(place);
            self.bury(&mut state, entry);
        }
    }

    fn freezes(&self) -> bool {
        self.settings.freeze && self.function.max_concurrency.is_none()
    }

    /// Ends an environment that has been taken out; what it was stays to be seen.
    fn bury(&self, state: &mut State, mut entry: Entry) {
        entry.life.turn(Phase::Ended);
        state.ended.push_back(entry.life);
        if state.ended.len() > MAX_ENDED {
            state.ended.pop_front();
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
            let mut state = self.state();
            state.closed = true;
            state.environments.drain(..).collect()
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
        let upkeep = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(upkeep) = upkeep {
            // A thread that panicked has printed why.
            let _ = upkeep.join();
        }
    }

    /// The environments, those that have ended too, and what they have done together.
    pub fn json(&self) -> Value {
        let state = self.state();
        let lives = state.ended.iter().chain(state.environments.iter().map(|entry| &entry.life));
        let mut lives: Vec<_> = lives.collect();
        lives.sort_by_key(|life| life.number);
        json!({
            "name": self.function.name,
            "arn": self.function.arn(),
            "memory_mb": self.function.memory_mb,
            "timeout_s": self.function.timeout.as_secs_f64(),
            "reserved": self.settings.reserved,
            "provisioned": self.settings.provisioned,
            "freezes": self.freezes(),
            "warming": self.settings.warming.as_ref().map(|warming| warming.json(self.settings.clock)),
            "in_flight": state.in_flight,
            "totals": state.totals.json(),
            "environments": lives.iter().map(|life| life.json(self.epoch)).collect::<Vec<_>>(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
