//! Invocations of the type `Event`: accepted at once, tried up to three times.
//!
//! Source: "Asynchronous invocation" in Lambda's developer guide: after an error of the function two
//! more attempts, one minute and then two minutes later; when throttled, again and again for up to
//! six hours, at first after one second and at last every five minutes.

use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::clock::Clock;
use crate::placement::Placement;
use crate::placement::Request;
use crate::placement::Throttled;

use super::Refusal;

/// Waits before the second and the third attempt.
const RETRIES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];
/// The first wait after a throttle; each one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait after a throttle.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// How old an event becomes at most.
const MOST_AGE: Duration = Duration::from_secs(6 * 60 * 60);
/// Events that are under way at once; the service has no such limit, a machine does.
const MOST_EVENTS: usize = 1000;

/// The events that are under way, each on a thread of its own.
#[derive(Debug)]
pub struct Queue {
    clock: Clock,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    events: usize,
    closed: bool,
}

impl Queue {
    /// A queue without events.
    pub fn new(clock: Clock) -> Queue {
        Queue { clock, shared: Arc::default() }
    }

    /// Takes an event in.
    pub fn push(&self, placement: &Arc<Placement>, request: Request) -> Result<(), Refusal> {
        let mut state = self.shared.state();
        if state.closed || state.events >= MOST_EVENTS {
            return Err(Throttled::Account.into());
        }
        let (clock, shared) = (self.clock, Arc::clone(&self.shared));
        let placement = Arc::clone(placement);
        let started = thread::Builder::new().stack_size(512 << 10).spawn(move || {
            attempt(&placement, &request, clock, &shared);
            shared.state().events -= 1;
        });
        match started {
            Ok(_) => {
                state.events += 1;
                Ok(())
            }
            Err(error) => Err(Refusal::new(500, "ServiceException", error.to_string())),
        }
    }

    /// Lets no event wait any more.
    pub fn close(&self) {
        self.shared.state().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits; false when everything is being ended.
    fn wait(&self, duration: Duration) -> bool {
        let state = self.state();
        let waited = self.changed.wait_timeout_while(state, duration, |state| !state.closed);
        !waited.unwrap_or_else(PoisonError::into_inner).0.closed
    }
}

fn attempt(placement: &Placement, request: &Request, clock: Clock, shared: &Shared) {
    let accepted = Instant::now();
    let mut retries = RETRIES.into_iter();
    let mut throttled_wait = FIRST_WAIT;
    loop {
        let wait = match placement.invoke(request.clone(), Instant::now(), None) {
            Ok(done) if !done.is_error() => return,
            Ok(_) => match retries.next() {
                Some(wait) => wait,
                None => return dropped(request, "three attempts ended with an error"),
            },
            Err(Throttled::Closed) => return,
            Err(_) if accepted.elapsed() > clock.real(MOST_AGE) => {
                return dropped(request, "throttled for six hours");
            }
            Err(_) => {
                let wait = throttled_wait;
                throttled_wait = LONGEST_WAIT.min(wait * 2);
                wait
            }
        };
        if !shared.wait(clock.real(wait)) {
            return;
        }
    }
}

fn dropped(request: &Request, why: &str) {
    eprintln!("pilotlight: the event of {} is dropped: {why}", request.request_id);
}
