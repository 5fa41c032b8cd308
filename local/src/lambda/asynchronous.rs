//! Invocations of the type `Event`: accepted at once, tried up to three times.
//!
//! Source: "Asynchronous invocation" in Lambda's developer guide: after an error of the function two
//! more attempts, one minute and then two minutes later; when throttled, again and again for up to
//! six hours, at first after one second and at last every five minutes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio::time::timeout;

use super::CONCURRENCY;
use super::ServiceError;
use super::running::Running;
use crate::clock::Clock;
use crate::log;
use crate::placement::Placement;
use crate::placement::Request;
use crate::placement::Throttled;
use crate::sync::lock;

/// Waits before the second and the third attempt.
const RETRIES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];
/// The first wait after a throttle; each one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait after a throttle.
const MAX_WAIT: Duration = Duration::from_secs(300);
/// Age at which an event that still waits is dropped.
const MAX_AGE: Duration = Duration::from_secs(6 * 60 * 60);
/// Events that wait or are under way, in bytes together. The service has no such limit, a machine does.
const MAX_BYTES: usize = 512 << 20;
/// What an event takes beside its own bytes, about.
const EVENT_OVERHEAD: usize = 2 << 10;

/// The events that wait or are under way, each in a task of its own.
#[derive(Debug)]
pub struct Queue {
    clock: Clock,
    threads: Handle,
    /// The concurrent executions of the account, of which an event waits for one.
    account: Arc<Semaphore>,
    /// By function, as many turns as it may have executions. Events take them in their order.
    turns: BTreeMap<String, Arc<Semaphore>>,
    /// Bytes that are still free.
    free: Arc<Mutex<usize>>,
}

impl Queue {
    /// A queue without events for these functions, whose tasks run there.
    pub fn new(
        functions: &BTreeMap<String, Arc<Placement>>,
        clock: Clock,
        threads: Handle,
        account: Arc<Semaphore>,
    ) -> Queue {
        let turns = functions.iter().map(|(name, placement)| {
            let turns = placement.reserved().unwrap_or(CONCURRENCY);
            (name.clone(), Arc::new(Semaphore::new(turns)))
        });
        let (turns, free) = (turns.collect(), Arc::new(Mutex::new(MAX_BYTES)));
        Queue { clock, threads, account, turns, free }
    }

    /// Takes an event in.
    pub fn push(&self, placement: &Arc<Placement>, request: Request) -> Result<(), ServiceError> {
        let size = request.event.len() + EVENT_OVERHEAD;
        let reservation = Reservation::take(&self.free, size).ok_or(Throttled::Account)?;
        let turns = self.turns.get(&placement.function.name).unwrap_or(&self.account);
        let attempts = Attempts {
            placement: Arc::clone(placement),
            request,
            clock: self.clock,
            threads: self.threads.clone(),
            account: Arc::clone(&self.account),
            turns: Arc::clone(turns),
            _reservation: reservation,
        };
        self.threads.spawn(attempts.run());
        Ok(())
    }
}

/// Bytes of the queue that an event has taken, until this is dropped.
struct Reservation {
    free: Arc<Mutex<usize>>,
    size: usize,
}

impl Reservation {
    fn take(free: &Arc<Mutex<usize>>, size: usize) -> Option<Reservation> {
        let mut left = lock(free);
        *left = left.checked_sub(size)?;
        Some(Reservation { free: Arc::clone(free), size })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        *lock(&self.free) += self.size;
    }
}

/// One event, until it was handled or is dropped.
struct Attempts {
    placement: Arc<Placement>,
    request: Request,
    clock: Clock,
    threads: Handle,
    account: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    _reservation: Reservation,
}

impl Attempts {
    async fn run(self) {
        let accepted = Instant::now();
        let mut retries = RETRIES.into_iter();
        let mut throttled_wait = FIRST_WAIT;
        loop {
            let left = self.clock.real(MAX_AGE).saturating_sub(accepted.elapsed());
            let Ok(turn) = timeout(left, Arc::clone(&self.turns).acquire_owned()).await else {
                return self.dropped("it has waited for six hours");
            };
            let attempted = self.attempt().await;
            drop(turn);
            let wait = match attempted {
                Ok(true) | Err(Throttled::Closed) => return,
                Ok(false) => match retries.next() {
                    Some(wait) => wait,
                    None => return self.dropped("three attempts ended with an error"),
                },
                // Invocations that do not wait have taken what is reserved, or the machine is full.
                Err(_) => {
                    let wait = throttled_wait;
                    throttled_wait = MAX_WAIT.min(wait * 2);
                    wait
                }
            };
            sleep(self.clock.real(wait)).await;
        }
    }

    /// Says whether the function has succeeded.
    async fn attempt(&self) -> Result<bool, Throttled> {
        let execution = Arc::clone(&self.account).acquire_owned().await;
        let execution = execution.map_err(|_| Throttled::Closed)?;
        let request = self.request.clone();
        let placement = &self.placement;
        let now = Instant::now();
        let running = Running::start(&self.threads, execution, placement, request, now, false);
        running.done().await.map(|done| !done.is_error())
    }

    fn dropped(&self, why: &str) {
        let request_id = &self.request.request_id;
        log::say(format_args!("the event of {request_id} is dropped: {why}"));
    }
}
