//! Finds or creates an environment for an invocation, and takes it back.

use std::sync::Arc;
use std::sync::MutexGuard;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;

use super::Done;
use super::Placement;
use super::Throttled;
use super::journal::History;
use super::journal::Phase;
use super::journal::Retired;
use super::pool::Member;
use super::pool::Pool;
use super::sandbox::Sandbox;
use super::sandbox::SandboxOptions;
use super::span::Span;
use crate::log;
use crate::sync::lock;

/// File descriptors of one environment, without a connection for each worker: the Runtime API's
/// socket, the log's two ends while a process starts, and an extension's connection.
const DESCRIPTORS: usize = 4;

impl Placement {
    /// Finds or creates an environment; the flag says whether it is new.
    pub(super) fn place(&self) -> Result<(Arc<Sandbox>, bool), Throttled> {
        let mut pool = self.pool();
        if pool.closed {
            return Err(Throttled::Closed);
        }
        if self.settings.reserved.is_some_and(|reserved| pool.in_flight >= reserved) {
            pool.refuse(self.timeline.next(), Throttled::Reserved);
            return Err(Throttled::Reserved);
        }
        let room = self.function.max_concurrency.map_or(1, usize::from);
        let generation = pool.generation;
        // A process that runs several invocations takes them also while it starts. An environment
        // of an earlier build of the library takes none.
        let is_free =
            |member: &&mut Member| member.busy < room && member.sandbox.generation == generation;
        let best = pool.members.iter_mut().filter(is_free).max_by_key(|member| {
            let starts = member.history.phase() == Phase::Initialising;
            (!starts, member.sandbox.provisioned, member.history.since())
        });
        let placed = if let Some(member) = best {
            member.busy += 1;
            if member.history.phase() != Phase::Initialising {
                member.history.set_phase(Phase::Busy);
            }
            (Arc::clone(&member.sandbox), false)
        } else {
            let made = self.create(&mut pool, false);
            (made.map_err(|error| self.refuse(&mut pool, &error))?, true)
        };
        pool.in_flight += 1;
        Ok(placed)
    }

    fn refuse(&self, pool: &mut Pool, error: &anyhow::Error) -> Throttled {
        pool.refuse(self.timeline.next(), Throttled::NoCapacity);
        self.log_no_capacity(&format!("{error:#}"));
        Throttled::NoCapacity
    }

    fn log_no_capacity(&self, why: &str) {
        log::say(format_args!("{}: invocation refused: {why}", self.function.name));
    }

    /// Creates an environment, which counts as busy at once.
    pub(super) fn create(&self, pool: &mut Pool, provisioned: bool) -> Result<Arc<Sandbox>> {
        let workers = self.function.max_concurrency.map_or(1, usize::from);
        let descriptors = self.settings.descriptors.take(DESCRIPTORS + workers);
        let descriptors =
            descriptors.context("no file descriptors left; raise the limit with ulimit -n")?;
        let number = pool.next_number();
        let options = SandboxOptions {
            folder: self.settings.folder.join(format!("{}-{number}", self.function.name)),
            number,
            provisioned,
            generation: pool.generation,
            logs: self.settings.logs,
            descriptors,
        };
        let sandbox = Arc::new(Sandbox::new(&self.function, options)?);
        let history = History::new(number, provisioned, &self.timeline);
        pool.members.push(Member { sandbox: Arc::clone(&sandbox), history, busy: 1 });
        Ok(sandbox)
    }

    /// Records that the environment of a running invocation has finished or failed an init.
    pub(super) fn initialised(&self, sandbox: &Sandbox, span: Span) {
        let pid = sandbox.process().map(|process| process.pid().as_raw_nonzero().get());
        let mut pool = self.pool();
        if let Some(index) = pool.position(sandbox) {
            let is_lost = span.is_failed_init();
            let history = &mut pool.members[index].history;
            let id = history.add(span, pid, 0);
            history.set_phase(Phase::Busy);
            if is_lost {
                // The invocation goes on in another process, which has a log of its own.
                pool.transcripts.push(id, sandbox.take_log());
            }
        }
    }

    pub(super) fn release(&self, sandbox: &Sandbox, done: &Done, whole: Duration) {
        let ready = sandbox.ready();
        let pid = ready.as_ref().map(|process| process.pid().as_raw_nonzero().get());
        let mut pool = self.pool();
        pool.in_flight -= 1;
        pool.totals.count(done, whole);
        let generation = pool.generation;
        let closed = pool.closed;
        let Some(index) = pool.position(sandbox) else { return };
        let member = &mut pool.members[index];
        member.busy -= 1;
        let id = member.history.add(done.entry(), pid, done.memory_kib);
        let is_busy = member.busy > 0;
        pool.transcripts.push(id, done.log.clone());
        if is_busy {
            return;
        }
        let member = &mut pool.members[index];
        if closed {
            pool.retire(index, Retired::Closed);
        } else if sandbox.generation != generation {
            pool.retire(index, Retired::Rebuilt);
        } else if sandbox.provisioned && ready.is_none() {
            pool.retire(index, Retired::Failed);
        } else if let Some(process) = ready.filter(|_| self.freezes()) {
            process.freeze();
            member.history.set_phase(Phase::Frozen);
        } else {
            member.history.set_phase(Phase::Idle);
        }
        pool.changed = true;
        drop(pool);
        self.changed.notify_all();
    }

    /// Removes an invocation for which no process could be started, and says why.
    pub(super) fn withdraw(&self, sandbox: &Sandbox, why: &str) {
        self.log_no_capacity(why);
        let mut pool = self.pool();
        pool.in_flight -= 1;
        pool.refuse(self.timeline.next(), Throttled::NoCapacity);
        let Some(index) = pool.position(sandbox) else { return };
        pool.members[index].busy -= 1;
        if pool.members[index].busy == 0 {
            pool.retire(index, Retired::Failed);
        }
    }

    pub(super) fn freezes(&self) -> bool {
        self.settings.freeze && self.function.max_concurrency.is_none()
    }

    pub(super) fn pool(&self) -> MutexGuard<'_, Pool> {
        lock(&self.pool)
    }
}
