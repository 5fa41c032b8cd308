//! The invocations of a session, from the queue to their ends.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;
use std::time::Instant;

use super::InFlight;
use super::Session;
use super::Startup;
use crate::runtime_api::invocation::ApiError;
use crate::runtime_api::invocation::Ended;
use crate::runtime_api::invocation::Invocation;
use crate::runtime_api::invocation::Outcome;
use crate::runtime_api::invocation::Piece;

impl Session {
    /// Queues an invocation for the runtime's next `/next`.
    pub fn enqueue(&mut self, invocation: Invocation) {
        self.queue.push_back(invocation);
    }

    /// A `/next` arrived, and waits for an invocation.
    pub(in crate::runtime_api) fn begin_next(&mut self, received: Instant) -> Result<(), ApiError> {
        if self.startup == Startup::Failed {
            return Err(self.refuse("Next"));
        }
        if self.startup == Startup::Restoring {
            self.restore = Some(received.saturating_duration_since(self.restored));
        }
        self.startup = Startup::Initialised;
        if self.answered
            && !self.is_concurrent()
            && let Some(last) = self.ended.last_mut()
        {
            last.overhead = received.saturating_duration_since(last.at);
        }
        self.answered = false;
        self.finish_init(received);
        Ok(())
    }

    /// Takes the next invocation out of the queue for a waiting `/next`.
    pub(in crate::runtime_api) fn deliver(&mut self) -> Option<Arc<Invocation>> {
        // A runtime that calls `/next` again before it has answered gets the same event again.
        let again = self.in_flight.first().filter(|_| !self.is_concurrent());
        if let Some(again) = again {
            return Some(Arc::clone(&again.invocation));
        }
        let mut invocation = self.queue.pop_front()?;
        let live = invocation.live.take();
        let invocation = Arc::new(invocation);
        let delivered = Arc::clone(&invocation);
        self.in_flight.push(InFlight { invocation, live, sent: Instant::now(), answering: false });
        Some(delivered)
    }

    /// An answer for `request_id` begins. The attempt, if it names one, must be the current one.
    /// Returns the receiver of its bytes, if there is one.
    pub(in crate::runtime_api) fn begin_answer(
        &mut self,
        request_id: &str,
        attempt_id: Option<&str>,
    ) -> Result<Option<SyncSender<Piece>>, ApiError> {
        if self.expired.contains(request_id) {
            return Err(ApiError::new(410, "InvokeTimeout", "Invoke timeout"));
        }
        let found =
            self.in_flight.iter_mut().find(|flight| flight.invocation.request_id == request_id);
        let Some(in_flight) = found else {
            let is_starting = matches!(self.startup, Startup::Initialising | Startup::Restoring);
            if is_starting || self.is_concurrent() || !self.in_flight.is_empty() {
                return Err(ApiError::new(400, "InvalidRequestID", "Invalid request ID"));
            }
            return Err(self.refuse("InvocationResponse"));
        };
        if attempt_id.is_some_and(|attempt_id| attempt_id != in_flight.invocation.attempt_id) {
            return Err(ApiError::new(400, "InvalidInvocationId", "Invalid invocation ID"));
        }
        if in_flight.answering {
            return Err(self.refuse("InvocationResponse"));
        }
        in_flight.answering = true;
        Ok(in_flight.live.take())
    }

    /// The answer has ended, or its connection broke.
    pub(in crate::runtime_api) fn end_answer(
        &mut self,
        request_id: &str,
        received: Instant,
        outcome: Outcome,
        content_type: Option<String>,
    ) -> Result<(), ApiError> {
        let of = |flight: &InFlight| flight.invocation.request_id == request_id;
        let Some(index) = self.in_flight.iter().position(of) else {
            // It timed out meanwhile.
            return Err(ApiError::new(410, "InvokeTimeout", "Invoke timeout"));
        };
        let in_flight = self.in_flight.remove(index);
        self.answered = true;
        let too_large = match outcome {
            Outcome::TooLarge(limit) => Some(limit),
            _ => None,
        };
        self.ended.push(Ended {
            request_id: request_id.to_owned(),
            outcome,
            content_type,
            duration: received.saturating_duration_since(in_flight.sent),
            overhead: Duration::ZERO,
            at: received,
        });
        if let Some(limit) = too_large {
            return Err(ApiError::new(
                413,
                "RequestEntityTooLarge",
                format!("Exceeded maximum allowed payload size ({limit} bytes)."),
            ));
        }
        Ok(())
    }

    /// An invocation timed out and the process goes on: its answer will be refused.
    pub fn expire(&mut self, request_id: &str) {
        self.queue.retain(|invocation| invocation.request_id != request_id);
        self.in_flight.retain(|flight| flight.invocation.request_id != request_id);
        self.expired.insert(request_id.to_owned());
    }

    /// Whether the answer of this invocation has arrived.
    pub fn has_ended(&self, request_id: &str) -> bool {
        self.ended.iter().any(|ended| ended.request_id == request_id)
    }

    /// Whether the runtime has finished with the answered invocations: the service holds back an
    /// answer until the next `/next` or the end of the process.
    pub fn is_idle(&self) -> bool {
        self.is_concurrent() || self.exit_status.is_some() || !self.answered
    }

    /// Whether the process works for the service: on its init, or on an invocation until it calls
    /// `/next`. Also true once it has ended.
    pub fn is_working(&self) -> bool {
        let has_invocation = !self.queue.is_empty() || !self.in_flight.is_empty() || self.answered;
        self.exit_status.is_some() || self.startup != Startup::Initialised || has_invocation
    }

    /// Takes an invocation that has ended.
    pub fn take_ended(&mut self, request_id: &str) -> Option<Ended> {
        let index = self.ended.iter().position(|ended| ended.request_id == request_id)?;
        Some(self.ended.swap_remove(index))
    }

    /// Takes every invocation that has ended, in the order of their ends.
    pub fn take_all_ended(&mut self) -> Vec<Ended> {
        std::mem::take(&mut self.ended)
    }

    /// The number of invocations that have ended and were not taken.
    pub fn count_ended(&self) -> usize {
        self.ended.len()
    }
}
