//! The reasons that a process group is stopped: it goes on when there is none left.

use std::sync::Arc;
use std::sync::Mutex;

use rustix::process::Pid;
use rustix::process::Signal;

use crate::runtime_api::Shared;
use crate::sync::lock;

/// A reason to be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Lambda freezes the environment between invocations.
    Frozen,
    /// The share of a processor is used up.
    UsedUp,
}

/// The process group, and the reasons that it is stopped.
#[derive(Debug)]
pub struct Pauses {
    shared: Arc<Shared>,
    group: Pid,
    reasons: Mutex<Vec<Reason>>,
}

impl Pauses {
    /// A running group, whose leader has this id.
    pub fn new(shared: Arc<Shared>, group: Pid) -> Pauses {
        Pauses { shared, group, reasons: Mutex::default() }
    }

    /// Stops the group for this reason.
    pub fn stop(&self, reason: Reason) {
        let mut reasons = lock(&self.reasons);
        if reasons.is_empty() {
            self.signal(Signal::STOP);
        }
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }

    /// Continues the group, unless there is another reason to stop it.
    pub fn resume(&self, reason: Reason) {
        let mut reasons = lock(&self.reasons);
        let was_stopped = !reasons.is_empty();
        reasons.retain(|&other| other != reason);
        if was_stopped && reasons.is_empty() {
            self.signal(Signal::CONT);
        }
    }

    /// Sends a signal to the group.
    pub fn signal(&self, signal: Signal) {
        // While the session is locked, the process cannot be reaped, so its id cannot be reused.
        let session = self.shared.session();
        if session.exit_status().is_none() {
            // It fails if the process has just ended by itself.
            let _ = rustix::process::kill_process_group(self.group, signal);
        }
    }
}
