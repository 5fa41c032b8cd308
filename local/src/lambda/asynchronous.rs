//! Invocations of the type `Event`: accepted at once, attempted up to three times.
//!
//! Source: "Asynchronous invocation" in Lambda's developer guide: after an error of the function
//! two more attempts, one minute and then two minutes later; when throttled, retries for up to six
//! hours, first after one second and finally every five minutes.

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

/// Delays before the second and the third attempt.
const RETRIES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];
/// The first delay after a throttle; each later one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Limit for the delay after a throttle.
const MAX_WAIT: Duration = Duration::from_secs(300);
/// Limit for the age of a waiting event; an older one is dropped.
const MAX_AGE: Duration = Duration::from_secs(6 * 60 * 60);
/// Limit for all queued and running events together, in bytes. The service has no such limit, but a
/// machine does.
const MAX_BYTES: usize = 512 << 20;
/// Approximate memory of a queued event beyond its own bytes, in bytes.
const EVENT_OVERHEAD: usize = 2 << 10;

/// The queued and running events, each in its own task.
#[derive(Debug)]
pub struct Queue {
    clock: Clock,
    threads: Handle,
    /// The account's concurrent executions; each attempt takes one.
    account: Arc<Semaphore>,
    /// By function, a permit for each execution that it may have. Events get them in order.
    permits: BTreeMap<String, Arc<Semaphore>>,
    /// The free part of `MAX_BYTES`.
    free: Arc<Mutex<usize>>,
}

impl Queue {
    /// An empty queue for these functions; its tasks run on `threads`.
    pub fn new(
        functions: &BTreeMap<String, Arc<Placement>>,
        clock: Clock,
        threads: Handle,
        account: Arc<Semaphore>,
    ) -> Queue {
        let permits = functions.iter().map(|(name, placement)| {
            let permits = placement.reserved().unwrap_or(CONCURRENCY);
            (name.clone(), Arc::new(Semaphore::new(permits)))
        });
        let (permits, free) = (permits.collect(), Arc::new(Mutex::new(MAX_BYTES)));
        Queue { clock, threads, account, permits, free }
    }

    /// Queues an event.
    pub fn push(&self, placement: &Arc<Placement>, request: Request) -> Result<(), ServiceError> {
        let size = request.event.len() + EVENT_OVERHEAD;
        let reservation = Reservation::take(&self.free, size).ok_or(Throttled::Account)?;
        let permits = self.permits.get(&placement.function.name).unwrap_or(&self.account);
        let attempts = Attempts {
            placement: Arc::clone(placement),
            request,
            clock: self.clock,
            threads: self.threads.clone(),
            account: Arc::clone(&self.account),
            permits: Arc::clone(permits),
            _reservation: reservation,
        };
        self.threads.spawn(attempts.run());
        Ok(())
    }
}

/// Bytes of the queue reserved for an event, until this is dropped.
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

/// One event and its attempts.
struct Attempts {
    placement: Arc<Placement>,
    request: Request,
    clock: Clock,
    threads: Handle,
    account: Arc<Semaphore>,
    permits: Arc<Semaphore>,
    _reservation: Reservation,
}

impl Attempts {
    async fn run(self) {
        let accepted = Instant::now();
        let mut retries = RETRIES.into_iter();
        let mut throttled_wait = FIRST_WAIT;
        loop {
            let left = self.clock.real(MAX_AGE).saturating_sub(accepted.elapsed());
            let Ok(permit) = timeout(left, Arc::clone(&self.permits).acquire_owned()).await else {
                return self.dropped("it has waited for six hours");
            };
            let attempted = self.attempt().await;
            drop(permit);
            let wait = match attempted {
                Ok(true) | Err(Throttled::Closed) => return,
                Ok(false) => match retries.next() {
                    Some(wait) => wait,
                    None => return self.dropped("three attempts ended with an error"),
                },
                // Synchronous invocations used up the reserved concurrency, or the machine is full.
                Err(_) => {
                    let wait = throttled_wait;
                    throttled_wait = MAX_WAIT.min(wait * 2);
                    wait
                }
            };
            sleep(self.clock.real(wait)).await;
        }
    }

    /// Returns whether the function succeeded.
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
