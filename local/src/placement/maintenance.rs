//! What happens to environments by itself: idle ones end, provisioned ones are replaced, and all
//! are when the library was built anew.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use std::time::SystemTime;

use anyhow::Result;
use anyhow::anyhow;

use crate::environment::InvokeError;
use crate::log;
use crate::sync::unpoisoned;

use super::Placement;
use super::Pool;
use super::invoke;
use super::invoke::NoCapacity;
use super::journal::Phase;
use super::journal::SpanKind;
use super::sandbox::Sandbox;

/// How often a watched file is looked at.
const WATCH_INTERVAL: Duration = Duration::from_millis(200);
/// The least limit for the init of a provisioned environment.
const MIN_PROVISIONED_INIT_LIMIT: Duration = Duration::from_secs(130);
/// How long after a provisioned environment could not be initialised it is tried again.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// A file's state, as far as a new build changes it.
type Stamp = Option<(SystemTime, u64)>;

impl Placement {
    /// Does what is due, until the placement is closed.
    pub(super) fn maintain(self: Arc<Self>) {
        let mut watched = self.stamp();
        let mut observed = watched;
        loop {
            let mut wait = self.retire_idle();
            if self.settings.watch {
                // A file that changes is being written: it is new when it has stopped to change.
                let now = self.stamp();
                if now.is_some() && now != watched && now == observed {
                    watched = now;
                    self.replace_all();
                }
                observed = now;
            }
            if self.provision().is_err() {
                wait = wait.min(RETRY_DELAY);
            }
            if self.settings.watch {
                wait = wait.min(WATCH_INTERVAL);
            }
            let nothing = |pool: &mut Pool| !pool.changed && !pool.closed;
            let waited = self.changed.wait_timeout_while(self.pool(), wait, nothing);
            let mut pool = unpoisoned(waited).0;
            if pool.closed {
                return;
            }
            pool.changed = false;
        }
    }

    /// Ends what has been idle for too long; says when the next one will have been.
    fn retire_idle(&self) -> Duration {
        let limit = self.settings.clock.real(self.settings.idle);
        let mut pool = self.pool();
        let mut wait = limit;
        let mut index = 0;
        while let Some(entry) = pool.environments.get(index) {
            let idle = matches!(entry.history.phase, Phase::Idle | Phase::Frozen);
            let left = limit.saturating_sub(entry.history.since.elapsed());
            if !idle || entry.sandbox.provisioned {
                index += 1;
            } else if left.is_zero() {
                let entry = pool.environments.swap_remove(index);
                self.retire(&mut pool, entry);
            } else {
                wait = wait.min(left);
                index += 1;
            }
        }
        wait
    }

    /// The library was built anew: idle environments end now, and busy ones when they are done.
    fn replace_all(&self) {
        let mut pool = self.pool();
        pool.generation += 1;
        let mut index = 0;
        while let Some(entry) = pool.environments.get(index) {
            if entry.busy > 0 {
                index += 1;
            } else {
                let entry = pool.environments.swap_remove(index);
                self.retire(&mut pool, entry);
            }
        }
        drop(pool);
        let name = &self.function.name;
        log::say(format_args!("{name} was built anew: its environments are replaced"));
    }

    /// Initialises provisioned environments until there are as many as are wanted.
    pub(super) fn provision(&self) -> Result<()> {
        let mut made = Vec::new();
        {
            let mut pool = self.pool();
            let provisioned = |pool: &Pool| {
                pool.environments.iter().filter(|entry| entry.sandbox.provisioned).count()
            };
            while provisioned(&pool) < self.settings.provisioned && !pool.closed {
                made.push(self.create(&mut pool, true)?);
            }
        }
        thread::scope(|scope| {
            let starts: Vec<_> =
                made.iter().map(|sandbox| scope.spawn(|| self.initialise(sandbox))).collect();
            let results = starts.into_iter().map(|start| match start.join() {
                Ok(result) => result,
                Err(_) => Err(anyhow!("the environment's start panicked")),
            });
            // All are waited for, whatever the first one says.
            results.collect::<Vec<_>>().into_iter().collect()
        })
    }

    fn initialise(&self, sandbox: &Sandbox) -> Result<()> {
        let limit = MIN_PROVISIONED_INIT_LIMIT.max(self.function.timeout);
        let mut starting = sandbox.starting();
        *starting = true;
        let started = invoke::initialise(&self.function, sandbox, limit, SpanKind::Init);
        drop(starting);
        let mut pool = self.pool();
        let found =
            pool.environments.iter().position(|entry| entry.sandbox.number == sandbox.number);
        // Otherwise everything is being ended.
        let Some(index) = found else { return Ok(()) };
        let why = match started {
            Ok((span, Ok((process, took)))) => {
                pool.totals.count_init(took);
                let entry = &mut pool.environments[index];
                entry.busy -= 1;
                let pid = process.pid().as_raw_nonzero().get();
                entry.history.add(span, Some(pid), process.peak_memory_kib());
                let phase = match entry.busy {
                    0 if self.freezes() => {
                        process.freeze();
                        Phase::Frozen
                    }
                    0 => Phase::Idle,
                    _ => Phase::Busy,
                };
                entry.history.set_phase(phase);
                return Ok(());
            }
            Ok((span, Err(error))) => {
                pool.environments[index].history.add(span, None, 0);
                match &error {
                    InvokeError::InitError(outcome) => crate::report::describe(outcome),
                    other => other.to_string(),
                }
            }
            Err(NoCapacity(why)) => why,
        };
        let entry = pool.environments.swap_remove(index);
        self.retire(&mut pool, entry);
        let name = &self.function.name;
        log::say(format_args!("{name}: a provisioned environment failed: {why}"));
        Err(anyhow!("{name}: a provisioned environment could not be initialised: {why}"))
    }

    fn stamp(&self) -> Stamp {
        let metadata = fs::metadata(&self.function.library).ok()?;
        (metadata.len() > 0).then_some((metadata.modified().ok()?, metadata.len()))
    }
}
