//! A function's environments, and the counts of their invocations.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::Throttled;
use super::journal::History;
use super::journal::Retired;
use super::sandbox::Sandbox;
use super::totals::Totals;
use super::transcripts::Transcripts;
use crate::threads;

/// Limit for the ended environments that are still shown.
const MAX_ENDED: usize = 50;
/// Limit for the refused invocations that are still shown.
const MAX_REFUSED: usize = 100;

/// A function's environments, and the counts of their invocations.
#[derive(Debug, Default)]
pub struct Pool {
    /// The current environments.
    pub members: Vec<Member>,
    /// The histories of the last environments that have ended.
    pub ended: VecDeque<History>,
    /// The number of ended environments whose histories were dropped.
    pub ended_dropped: u64,
    /// The last invocations that were refused.
    pub refused: VecDeque<Refused>,
    /// The logs of the last invocations.
    pub transcripts: Transcripts,
    /// Totals over all environments, current and ended.
    pub totals: Totals,
    last_number: u64,
    /// The number of running invocations.
    pub in_flight: usize,
    /// The build of the library that new environments run: a counter.
    pub generation: u64,
    /// No further invocation is placed.
    pub closed: bool,
    /// Something changed that the maintenance thread has not seen yet.
    pub changed: bool,
}

/// An invocation that was refused.
#[derive(Clone, Copy, Debug)]
pub struct Refused {
    /// Its number in the timeline.
    pub id: u64,
    /// The time of the refusal.
    pub at: Instant,
    /// The reason.
    pub why: Throttled,
}

/// An environment of the pool.
#[derive(Debug)]
pub struct Member {
    /// The environment.
    pub sandbox: Arc<Sandbox>,
    /// Its history.
    pub history: History,
    /// The number of its running invocations.
    pub busy: usize,
}

impl Pool {
    /// The number of a new environment.
    pub fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// The index of an environment; `None` once it was removed.
    pub fn position(&self, sandbox: &Sandbox) -> Option<usize> {
        self.members.iter().position(|member| member.sandbox.number == sandbox.number)
    }

    /// Counts and records an invocation that was refused.
    pub fn refuse(&mut self, id: u64, why: Throttled) {
        self.totals.count_throttle();
        self.refused.push_back(Refused { id, at: Instant::now(), why });
        if self.refused.len() > MAX_REFUSED {
            self.refused.pop_front();
        }
    }

    /// Removes an environment and ends it; its history stays visible.
    pub fn retire(&mut self, index: usize, why: Retired) {
        let Member { sandbox, mut history, .. } = self.members.swap_remove(index);
        history.end(why);
        self.ended.push_back(history);
        if self.ended.len() > MAX_ENDED {
            self.ended.pop_front();
            self.ended_dropped += 1;
        }
        // A shutdown hook takes time, hence a thread. If none can be started, dropping the sandbox
        // ends the process, and the guard later ends what is left.
        let _ = threads::small().spawn(move || {
            sandbox.end();
            sandbox.end_strays();
        });
    }
}
