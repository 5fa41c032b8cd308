//! What a runtime may do when: the states of one execution environment. Every transition that is
//! not written here is refused, with the words of AWS's own emulator.

use std::collections::VecDeque;
use std::process::ExitStatus;
use std::time::Duration;
use std::time::Instant;

/// The largest response that the service takes: 6 MiB and 100 bytes.
pub const MOST_RESPONSE: usize = 6 * 1024 * 1024 + 100;

/// What a runtime is given by `/next`.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// Names the invocation.
    pub request_id: String,
    /// The event, byte for byte.
    pub event: Vec<u8>,
    /// Header lines beside the request id, as the service sends them.
    pub headers: Vec<(String, String)>,
}

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The runtime posted a response.
    Response(Vec<u8>),
    /// The runtime posted an error.
    Error {
        /// The body, JSON as a rule.
        body: Vec<u8>,
        /// `Lambda-Runtime-Function-Error-Type`.
        error_type: Option<String>,
    },
    /// The response was larger than [`MOST_RESPONSE`].
    TooLarge,
}

/// An invocation that has ended, with its times.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Which one.
    pub request_id: String,
    /// How.
    pub outcome: Outcome,
    /// From the event's sending to the answer's last byte.
    pub duration: Duration,
}

/// Where the runtime is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// It has not called `/next` yet.
    Initialising,
    /// It waits in `/next`.
    Idle,
    /// It has an invocation.
    Invoked { request_id: String, sent: Instant },
    /// It has answered and not called `/next` again.
    Answered,
    /// It has posted `/init/error`.
    InitFailed,
}

/// What the server answers a post that it refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status code.
    pub status: u16,
    /// `errorType` of the body.
    pub error_type: &'static str,
    /// `errorMessage` of the body.
    pub message: String,
}

/// One execution environment, as its Runtime API sees it.
#[derive(Debug)]
pub struct Session {
    state: State,
    /// Invocations to come.
    pub queue: VecDeque<Invocation>,
    /// Invocations that are over, in the order in which they ended.
    pub ended: Vec<Ended>,
    /// When the process was started.
    pub started: Instant,
    /// From the start to the first `/next`.
    pub init: Option<Duration>,
    /// What was posted to `/init/error`.
    pub init_error: Option<Outcome>,
    /// How the process ended, once it has.
    pub exited: Option<ExitStatus>,
    /// No invocation will come any more: `/next` is answered 410.
    pub closed: bool,
    /// How many requests there were.
    pub requests: u64,
    /// How many connections they came on.
    pub connections: u64,
}

impl Session {
    /// An environment whose process is about to be started.
    pub fn new() -> Session {
        Session {
            state: State::Initialising,
            queue: VecDeque::new(),
            ended: Vec::new(),
            started: Instant::now(),
            init: None,
            init_error: None,
            exited: None,
            closed: false,
            requests: 0,
            connections: 0,
        }
    }

    /// `/next` has come in, and is to wait for an invocation.
    pub fn begin_next(&mut self, received: Instant) -> Result<(), Refusal> {
        match self.state {
            State::InitFailed => Err(self.refuse("Next")),
            State::Initialising => {
                self.init = Some(received.saturating_duration_since(self.started));
                self.state = State::Idle;
                Ok(())
            }
            State::Idle | State::Answered => {
                self.state = State::Idle;
                Ok(())
            }
            // A runtime that asks again before it has answered gets the same event again.
            State::Invoked { .. } => Ok(()),
        }
    }

    /// The invocation that `/next` delivers, if there is one.
    pub fn deliver(&mut self) -> Option<Invocation> {
        let invocation = self.queue.front()?.clone();
        self.state =
            State::Invoked { request_id: invocation.request_id.clone(), sent: Instant::now() };
        Some(invocation)
    }

    /// A response or an error was posted for `request_id`.
    pub fn answer(
        &mut self,
        request_id: &str,
        received: Instant,
        outcome: Outcome,
    ) -> Result<(), Refusal> {
        let State::Invoked { request_id: current, sent } = &self.state else {
            return Err(match self.state {
                State::Initialising => invalid_request_id(),
                _ => self.refuse("InvocationResponse"),
            });
        };
        if current != request_id {
            return Err(invalid_request_id());
        }
        let duration = received.saturating_duration_since(*sent);
        self.queue.pop_front();
        self.state = State::Answered;
        let too_large =
            matches!(&outcome, Outcome::Response(response) if response.len() > MOST_RESPONSE);
        let outcome = if too_large { Outcome::TooLarge } else { outcome };
        self.ended.push(Ended { request_id: request_id.to_owned(), outcome, duration });
        if too_large {
            return Err(Refusal {
                status: 413,
                error_type: "RequestEntityTooLarge",
                message: format!("Exceeded maximum allowed payload size ({MOST_RESPONSE} bytes)."),
            });
        }
        Ok(())
    }

    /// An error was posted to `/init/error`.
    pub fn fail_init(&mut self, outcome: Outcome) -> Result<(), Refusal> {
        if self.state != State::Initialising {
            return Err(self.refuse("InitError"));
        }
        self.state = State::InitFailed;
        self.init_error = Some(outcome);
        Ok(())
    }

    /// Whether the runtime has nothing more to do for the invocations that have ended: the service
    /// holds an answer until `/next`, or the end of the process.
    pub fn is_at_rest(&self) -> bool {
        self.exited.is_some() || matches!(self.state, State::Idle | State::Invoked { .. })
    }

    fn refuse(&self, transition: &str) -> Refusal {
        let state = match self.state {
            State::Initialising => "RuntimeStartedState",
            State::Idle => "RuntimeReadyState",
            State::Invoked { .. } => "RuntimeRunningState",
            State::Answered => "RuntimeResponseSentState",
            State::InitFailed => "RuntimeInitErrorState",
        };
        Refusal {
            status: 403,
            error_type: "InvalidStateTransition",
            message: format!(
                "State transition from {state} to {transition} failed for runtime. \
                 Error: State transition is not allowed"
            ),
        }
    }
}

impl Default for Session {
    fn default() -> Session {
        Session::new()
    }
}

fn invalid_request_id() -> Refusal {
    Refusal { status: 400, error_type: "InvalidRequestID", message: "Invalid request ID".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_event(request_id: &str) -> Session {
        let mut session = Session::new();
        let request_id = request_id.to_owned();
        session.queue.push_back(Invocation { request_id, ..Invocation::default() });
        session
    }

    fn status(result: Result<(), Refusal>) -> u16 {
        result.err().map_or(202, |refusal| refusal.status)
    }

    #[test]
    fn one_invocation_goes_through_its_states() {
        let mut session = with_event("a");
        let now = Instant::now();
        let response = || Outcome::Response(b"r".to_vec());
        assert_eq!(status(session.answer("a", now, response())), 400);
        session.begin_next(now).expect("initialised");
        assert!(session.init.is_some());
        assert_eq!(session.deliver().map(|given| given.request_id).as_deref(), Some("a"));
        session.begin_next(now).expect("asking again is allowed");
        assert_eq!(session.deliver().map(|given| given.request_id).as_deref(), Some("a"));
        assert_eq!(status(session.answer("b", now, response())), 400);
        assert_eq!(status(session.answer("a", now, response())), 202);
        assert_eq!(status(session.answer("a", now, response())), 403);
        session.begin_next(now).expect("ready again");
        assert!(session.deliver().is_none());
        assert_eq!(status(session.fail_init(response())), 403);
    }

    #[test]
    fn after_an_init_error_nothing_is_allowed() {
        let mut session = with_event("a");
        let error = Outcome::Error { body: Vec::new(), error_type: None };
        session.fail_init(error).expect("initialising");
        assert_eq!(status(session.begin_next(Instant::now())), 403);
    }

    #[test]
    fn a_response_one_byte_too_large_ends_the_invocation_with_413() {
        for (extra, expected) in [(0, 202), (1, 413)] {
            let mut session = with_event("a");
            session.begin_next(Instant::now()).expect("initialised");
            session.deliver().expect("queued");
            let response = Outcome::Response(vec![b'x'; MOST_RESPONSE + extra]);
            assert_eq!(status(session.answer("a", Instant::now(), response)), expected);
            assert_eq!(session.ended[0].outcome == Outcome::TooLarge, extra == 1);
        }
    }
}
