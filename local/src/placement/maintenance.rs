//! Background maintenance of a function's environments: ends idle ones, replaces provisioned ones,
//! and replaces all when the library is rebuilt.

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

use super::invoke;
use super::invoke::NoCapacity;
use super::journal::Phase;
use super::journal::Retired;
use super::pool::Pool;
use super::sandbox::Sandbox;
use super::span::SpanKind;

/// Interval between checks of a watched library.
const WATCH_INTERVAL: Duration = Duration::from_millis(200);
/// Lower bound of the limit for the init of a provisioned environment.
const MIN_PROVISIONED_INIT_LIMIT: Duration = Duration::from_secs(130);
/// Delay before the init of a provisioned environment is retried.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Modification time and size of a file, which a new build changes.
type Stamp = Option<(SystemTime, u64)>;

impl Placement {
    /// Runs until the placement is closed.
    pub(super) fn maintain(self: Arc<Self>) {
        let mut watched = self.stamp();
        let mut observed = watched;
        loop {
            let mut wait = self.retire_idle();
            if self.settings.watch {
                // While the file changes, the linker still writes it: wait until it is stable.
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

    /// Ends environments that were idle too long; returns the time until the next one will be.
    fn retire_idle(&self) -> Duration {
        let limit = self.settings.clock.real(self.settings.idle);
        let mut pool = self.pool();
        let mut wait = limit;
        let mut index = 0;
        while let Some(member) = pool.members.get(index) {
            let idle = matches!(member.history.phase(), Phase::Idle | Phase::Frozen);
            let left = limit.saturating_sub(member.history.since().elapsed());
            if !idle || member.sandbox.provisioned {
                index += 1;
            } else if left.is_zero() {
                pool.retire(index, Retired::Idle);
            } else {
                wait = wait.min(left);
                index += 1;
            }
        }
        wait
    }

    /// Replaces a rebuilt library's environments: ends idle ones now, busy ones when they finish.
    fn replace_all(&self) {
        let mut pool = self.pool();
        pool.generation += 1;
        let mut index = 0;
        while let Some(member) = pool.members.get(index) {
            if member.busy > 0 {
                index += 1;
            } else {
                pool.retire(index, Retired::Rebuilt);
            }
        }
        drop(pool);
        let name = &self.function.name;
        log::say(format_args!("{name} was rebuilt: replacing its environments"));
    }

    /// Initialises provisioned environments until their number is as configured.
    pub(super) fn provision(&self) -> Result<()> {
        let mut made = Vec::new();
        {
            let mut pool = self.pool();
            let provisioned = |pool: &Pool| {
                pool.members.iter().filter(|member| member.sandbox.provisioned).count()
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
            // Collected first, so that every thread is joined even if the first one failed.
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
        // It is missing only if the placement was closed meanwhile.
        let Some(index) = pool.position(sandbox) else { return Ok(()) };
        let why = match started {
            Ok((span, Ok((process, took)))) => {
                pool.totals.count_init(took);
                let member = &mut pool.members[index];
                member.busy -= 1;
                let pid = process.pid().as_raw_nonzero().get();
                member.history.add(span, Some(pid), process.peak_memory_kib());
                let phase = match member.busy {
                    0 if self.freezes() => {
                        process.freeze();
                        Phase::Frozen
                    }
                    0 => Phase::Idle,
                    _ => Phase::Busy,
                };
                member.history.set_phase(phase);
                return Ok(());
            }
            Ok((span, Err(error))) => {
                let id = pool.members[index].history.add(span, None, 0);
                pool.transcripts.push(id, sandbox.take_log());
                match &error {
                    InvokeError::InitError(outcome) => crate::report::describe(outcome),
                    other => other.to_string(),
                }
            }
            Err(NoCapacity(why)) => why,
        };
        pool.retire(index, Retired::Failed);
        let name = &self.function.name;
        log::say(format_args!("{name}: provisioned environment failed: {why}"));
        Err(anyhow!("{name}: cannot initialise a provisioned environment: {why}"))
    }

    fn stamp(&self) -> Stamp {
        let metadata = fs::metadata(&self.function.library).ok()?;
        (metadata.len() > 0).then_some((metadata.modified().ok()?, metadata.len()))
    }
}
