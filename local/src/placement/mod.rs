//! Placement: chooses the execution environment for an invocation, or creates one.
//!
//! As on Lambda, an environment runs one invocation at a time. A free warm environment is used, the
//! most recently used first; without one, a new environment is created, which is a cold start.
//! Beyond the reserved concurrency, the invocation is refused. With [`Function::max_concurrency`],
//! an environment runs several invocations at once, as on a Managed Instance.

mod invoke;
mod journal;
mod maintenance;
mod place;
mod pool;
mod sandbox;
mod span;
mod timeline;
mod totals;
mod transcripts;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use anyhow::Result;
use serde_json::Value;
use serde_json::json;

pub use self::invoke::Request;
pub use self::invoke::invocation;
pub use self::journal::Done;
pub use self::timeline::Range;
pub use self::timeline::Timeline;

use self::invoke::NoCapacity;
use self::pool::Pool;
use crate::clock::Clock;
use crate::descriptors::Share;
use crate::function::Function;
use crate::limits::CpuShare;
use crate::log::Kept;
use crate::ping::Warming;
use crate::runtime_api::Piece;
use crate::sync::lock;
use crate::threads;

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
#[non_exhaustive]
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

impl fmt::Display for Throttled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Throttled::Reserved => "the function's reserved concurrency is used up",
            Throttled::Account => "the account's concurrency is used up",
            Throttled::NoCapacity => "this machine cannot run another environment",
            Throttled::Closed => "the local Lambda is shutting down",
        })
    }
}

impl std::error::Error for Throttled {}

/// A function's environments.
#[derive(Debug)]
pub struct Placement {
    /// The function.
    pub function: Function,
    settings: Settings,
    /// Shared with all functions of the server.
    timeline: Arc<Timeline>,
    pool: Mutex<Pool>,
    changed: Condvar,
    maintenance: Mutex<Option<JoinHandle<()>>>,
}

impl Placement {
    /// Initialises the provisioned environments, and starts the maintenance thread.
    pub fn open(
        function: Function,
        settings: Settings,
        timeline: Arc<Timeline>,
    ) -> Result<Arc<Placement>> {
        let placement = Arc::new(Placement {
            function,
            settings,
            timeline,
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
                self.withdraw(&sandbox, &why);
                Err(Throttled::NoCapacity)
            }
        }
    }

    /// The function's reserved concurrency, if it has one.
    pub fn reserved(&self) -> Option<usize> {
        self.settings.reserved
    }

    /// Records an invocation that the caller refused.
    pub fn refuse_for(&self, why: Throttled) {
        let mut pool = self.pool();
        pool.refuse(self.timeline.next(), why);
    }

    /// Ends every environment, and refuses further invocations.
    pub fn close(&self) {
        let ending: Vec<_> = {
            let mut pool = self.pool();
            pool.closed = true;
            pool.members.drain(..).collect()
        };
        self.changed.notify_all();
        thread::scope(|scope| {
            for member in &ending {
                let builder = threads::small();
                if builder.spawn_scoped(scope, || member.sandbox.end()).is_err() {
                    member.sandbox.end();
                }
            }
        });
        let maintenance = lock(&self.maintenance).take();
        if let Some(maintenance) = maintenance {
            // A thread that panicked has printed its message.
            let _ = maintenance.join();
        }
    }

    /// The share of a processor, if it is limited.
    fn cpu_share(&self) -> Option<f64> {
        let Function { limits, memory_mb, .. } = self.function;
        limits.cpu.then(|| CpuShare::of_memory(memory_mb).processors())
    }

    /// The totals of all environments in a line of text.
    pub fn summary(&self) -> String {
        format!("{}: {}", self.function.name, self.pool().totals.line())
    }

    /// The log of a span, by its number in the timeline; `None` if it is no longer kept.
    pub fn log(&self, span: u64) -> Option<Kept> {
        self.pool().transcripts.get(span).cloned()
    }

    /// The entry of `GET /environments`: settings, totals, and the current and ended environments
    /// that have changed within the range.
    pub fn json(&self, range: Range) -> Value {
        let pool = self.pool();
        let histories = pool.ended.iter().chain(pool.members.iter().map(|member| &member.history));
        let mut histories: Vec<_> = histories.collect();
        histories.sort_by_key(|history| history.number());
        let refused = pool.refused.iter().filter(|refused| range.has(refused.id));
        let refused = refused.map(|refused| {
            let at_ms = self.timeline.at(refused.at);
            json!({ "id": refused.id, "at_ms": at_ms, "reason": refused.why.to_string() })
        });
        json!({
            "name": self.function.name,
            "arn": self.function.arn(),
            "memory_mb": self.function.memory_mb,
            "cpu_share": self.cpu_share(),
            "timeout_s": self.function.timeout.as_secs_f64(),
            "reserved": self.settings.reserved,
            "provisioned": self.settings.provisioned,
            "freezes": self.freezes(),
            "warming": self.settings.warming.as_ref().map(|warming| warming.json(self.settings.clock)),
            "in_flight": pool.in_flight,
            "totals": pool.totals.json(),
            "refused": refused.collect::<Vec<_>>(),
            "environments": histories.iter().filter_map(|one| one.json(range)).collect::<Vec<_>>(),
            "environments_dropped": pool.ended_dropped,
            "logs_dropped": pool.transcripts.dropped,
        })
    }
}
