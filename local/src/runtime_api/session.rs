//! The state machine of one execution environment. Every transition that is not implemented here is
//! refused with the messages of AWS's own emulator.

use std::collections::HashSet;
use std::collections::VecDeque;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;
use std::time::Instant;

use super::invocation::ApiError;
use super::invocation::Ended;
use super::invocation::Invocation;
use super::invocation::Outcome;
use super::invocation::Piece;

/// The service's limit for a buffered response, in bytes: 6 MiB and 100 bytes.
pub const MAX_RESPONSE: usize = 6 * 1024 * 1024 + 100;

/// The runtime's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It has not called `/next` yet.
    Initialising,
    /// It has called `/next`.
    Initialised,
    /// It has posted `/init/error`.
    InitFailed,
}

/// A delivered invocation without an answer yet.
#[derive(Debug)]
struct InFlight {
    invocation: Arc<Invocation>,
    /// Taken when the answer begins.
    live: Option<SyncSender<Piece>>,
    sent: Instant,
    /// The answer has begun and not ended.
    answering: bool,
}

/// One execution environment, as its Runtime API sees it.
#[derive(Debug)]
pub struct Session {
    state: State,
    in_flight: Vec<InFlight>,
    /// The number of waiting `/next` requests.
    waiting: usize,
    /// The last invocation is answered, and `/next` was not called since.
    answered: bool,
    /// Invocations that timed out while the process went on.
    expired: HashSet<String>,
    /// Limit for the runtime's concurrent invocations. Above one, it is a Managed Instance: an
    /// answer is passed on before the next `/next`, and a late one is refused with 410.
    pub concurrency: usize,
    /// Invocations that are not delivered yet.
    pub queue: VecDeque<Invocation>,
    /// Invocations that have ended, in the order of their ends.
    pub ended: Vec<Ended>,
    /// Start time of the process.
    pub started: Instant,
    /// From the start to the first `/next` of the runtime and of every extension.
    pub init: Option<Duration>,
    /// The error posted to `/init/error`.
    pub init_error: Option<Outcome>,
    /// The exit status of the process, once it has ended.
    pub exited: Option<ExitStatus>,
    /// No further invocation will be queued: `/next` is answered with 410.
    pub closed: bool,
    /// Identifiers of the registered internal extensions.
    pub(super) extensions: Vec<String>,
    /// The number of them that have asked for an event.
    pub(super) extensions_waiting: usize,
    /// The number of requests.
    pub requests: u64,
    /// The number of connections.
    pub connections: u64,
}

impl Session {
    /// The session of an environment whose process is about to start.
    pub fn new() -> Session {
        Session {
            state: State::Initialising,
            in_flight: Vec::new(),
            waiting: 0,
            answered: false,
            expired: HashSet::new(),
            concurrency: 1,
            queue: VecDeque::new(),
            ended: Vec::new(),
            started: Instant::now(),
            init: None,
            init_error: None,
            exited: None,
            closed: false,
            extensions: Vec::new(),
            extensions_waiting: 0,
            requests: 0,
            connections: 0,
        }
    }

    /// A `/next` arrived, and waits for an invocation.
    pub fn begin_next(&mut self, received: Instant) -> Result<(), ApiError> {
        if self.state == State::InitFailed {
            return Err(self.refuse("Next"));
        }
        self.state = State::Initialised;
        self.answered = false;
        self.waiting += 1;
        self.finish_init(received);
        Ok(())
    }

    /// Ends `Init` once the runtime and every extension have called their `next`.
    pub(super) fn finish_init(&mut self, now: Instant) {
        let extensions = self.extensions_waiting >= self.extensions.len();
        if self.init.is_none() && self.state == State::Initialised && extensions {
            self.init = Some(now.saturating_duration_since(self.started));
        }
    }

    /// The identifiers of the registered internal extensions.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    pub(super) fn is_initialising(&self) -> bool {
        self.state == State::Initialising
    }

    /// Takes the next invocation out of the queue for a waiting `/next`.
    pub fn deliver(&mut self) -> Option<Arc<Invocation>> {
        // A runtime that calls `/next` again before it has answered gets the same event again.
        let again = self.in_flight.first().filter(|_| self.concurrency == 1);
        if let Some(again) = again.map(|in_flight| Arc::clone(&in_flight.invocation)) {
            self.waiting -= 1;
            return Some(again);
        }
        let mut invocation = self.queue.pop_front()?;
        self.waiting -= 1;
        let live = invocation.live.take();
        let invocation = Arc::new(invocation);
        let delivered = Arc::clone(&invocation);
        self.in_flight.push(InFlight { invocation, live, sent: Instant::now(), answering: false });
        Some(delivered)
    }

    /// An answer for `request_id` begins. The attempt, if it names one, must be the current one.
    /// Returns the receiver of its bytes, if there is one.
    pub fn begin_answer(
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
            return Err(match self.state {
                State::Initialising => invalid_request_id(),
                _ if self.in_flight.is_empty() && self.concurrency == 1 => {
                    self.refuse("InvocationResponse")
                }
                _ => invalid_request_id(),
            });
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
    pub fn end_answer(
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

    /// The process has ended, so no answers will arrive.
    pub fn exit(&mut self, status: ExitStatus) {
        self.exited = Some(status);
        self.queue.clear();
        self.in_flight.clear();
    }

    /// An error was posted to `/init/error`.
    pub fn fail_init(&mut self, outcome: Outcome) -> Result<(), ApiError> {
        if self.state != State::Initialising {
            return Err(self.refuse("InitError"));
        }
        self.state = State::InitFailed;
        self.init_error = Some(outcome);
        Ok(())
    }

    /// Whether the runtime has finished with the answered invocations: the service holds back an
    /// answer until the next `/next` or the end of the process.
    pub fn is_idle(&self) -> bool {
        self.concurrency > 1 || self.exited.is_some() || !self.answered
    }

    fn refuse(&self, transition: &str) -> ApiError {
        let state = match self.state {
            State::Initialising => "RuntimeStartedState",
            State::InitFailed => "RuntimeInitErrorState",
            State::Initialised if !self.in_flight.is_empty() => "RuntimeRunningState",
            State::Initialised if self.answered => "RuntimeResponseSentState",
            State::Initialised => "RuntimeReadyState",
        };
        ApiError::new(
            403,
            "InvalidStateTransition",
            format!(
                "State transition from {state} to {transition} failed for runtime. \
                 Error: State transition is not allowed"
            ),
        )
    }
}

impl Default for Session {
    fn default() -> Session {
        Session::new()
    }
}

fn invalid_request_id() -> ApiError {
    ApiError::new(400, "InvalidRequestID", "Invalid request ID")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_event(request_id: &str) -> Session {
        let mut session = Session::new();
        let request_id = request_id.to_owned();
        let attempt_id = "attempt".to_owned();
        session.queue.push_back(Invocation { request_id, attempt_id, ..Invocation::default() });
        session
    }

    fn answer(session: &mut Session, request_id: &str, attempt: Option<&str>) -> u16 {
        let begun = session.begin_answer(request_id, attempt).map(drop);
        let response = Outcome::Response(b"r".to_vec());
        let ended =
            begun.and_then(|()| session.end_answer(request_id, Instant::now(), response, None));
        ended.err().map_or(202, |error| error.status)
    }

    #[test]
    fn one_invocation_goes_through_its_states() {
        let mut session = with_event("a");
        let now = Instant::now();
        assert_eq!(answer(&mut session, "a", None), 400);
        session.begin_next(now).expect("initialised");
        assert!(session.init.is_some());
        assert_eq!(session.deliver().expect("queued").request_id, "a");
        session.begin_next(now).expect("asking again is allowed");
        assert_eq!(session.deliver().expect("the same").request_id, "a");
        assert_eq!(answer(&mut session, "b", None), 400);
        assert_eq!(answer(&mut session, "a", Some("another")), 400);
        assert_eq!(answer(&mut session, "a", Some("attempt")), 202);
        assert!(!session.is_idle());
        assert_eq!(answer(&mut session, "a", None), 403);
        session.begin_next(now).expect("ready again");
        assert!(session.is_idle());
        assert!(session.deliver().is_none());
        let error = Outcome::Error { body: Vec::new(), error_type: None };
        assert_eq!(session.fail_init(error).expect_err("refused").status, 403);
    }

    #[test]
    fn after_an_init_error_nothing_is_allowed() {
        let mut session = with_event("a");
        let error = Outcome::Error { body: Vec::new(), error_type: None };
        session.fail_init(error).expect("initialising");
        assert_eq!(session.begin_next(Instant::now()).expect_err("refused").status, 403);
    }

    #[test]
    fn several_invocations_are_in_flight_where_that_is_wanted() {
        let mut session = with_event("a");
        session.concurrency = 2;
        session.queue.push_back(Invocation { request_id: "b".to_owned(), ..Invocation::default() });
        for expected in ["a", "b"] {
            session.begin_next(Instant::now()).expect("initialised");
            assert_eq!(session.deliver().expect("queued").request_id, expected);
        }
        session.begin_next(Instant::now()).expect("a third worker");
        assert!(session.deliver().is_none());
        assert_eq!(answer(&mut session, "b", None), 202);
        assert_eq!(answer(&mut session, "b", None), 400);
        session.expire("a");
        assert_eq!(answer(&mut session, "a", None), 410);
    }

    #[test]
    fn init_lasts_until_the_extensions_are_there() {
        let mut session = with_event("a");
        session.extensions.push("internal".to_owned());
        session.begin_next(Instant::now()).expect("ready");
        assert_eq!(session.init, None);
        session.extensions_waiting += 1;
        session.finish_init(Instant::now());
        assert!(session.init.is_some());
    }
}
