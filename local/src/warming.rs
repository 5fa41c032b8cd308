//! A schedule that keeps functions warm, as an EventBridge rule with a constant input does: it
//! sends the same ping to each function, asynchronously and periodically.

use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::thread;
use std::thread::JoinHandle;
use std::time::Instant;

use crate::clock::Clock;
use crate::identifiers;
use crate::lambda::Lambda;
use crate::log;
use crate::ping::Warming;
use crate::placement::Request;
use crate::sync::lock;
use crate::sync::unpoisoned;

/// A running schedule; dropping it ends it.
#[derive(Debug)]
pub struct Schedule {
    ended: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Schedule {
    /// Sends the first ping at once, as EventBridge does when a rule is created.
    pub fn start(warming: Warming, clock: Clock, lambda: Arc<Lambda>) -> Schedule {
        let ended = Arc::<(Mutex<bool>, Condvar)>::default();
        let signal = Arc::clone(&ended);
        let thread = Some(thread::spawn(move || run(&warming, clock, &lambda, &signal)));
        Schedule { ended, thread }
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        let (flag, changed) = &*self.ended;
        *lock(flag) = true;
        changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has printed its message.
            let _ = thread.join();
        }
    }
}

fn run(warming: &Warming, clock: Clock, lambda: &Lambda, ended: &(Mutex<bool>, Condvar)) {
    let (flag, changed) = ended;
    let period = clock.real(warming.rate.period);
    let mut due = Instant::now();
    loop {
        lambda.functions.keys().for_each(|name| send(warming, lambda, name));
        // Counted from the previous due time, so that the schedule does not drift. Pings that were
        // missed while the machine slept are not made up for.
        let now = Instant::now();
        while due <= now {
            let Some(next) = due.checked_add(period) else { return };
            due = next;
        }
        let ended = lock(flag);
        let waited = changed.wait_timeout_while(ended, due - now, |ended| !*ended);
        if *unpoisoned(waited).0 {
            return;
        }
    }
}

fn send(warming: &Warming, lambda: &Lambda, name: &str) {
    let sent = lambda.find(name, None).and_then(|named| {
        let request = Request {
            request_id: identifiers::uuid(),
            event: warming.ping().into_bytes(),
            arn: named.arn.clone(),
            ..Request::default()
        };
        lambda.invoke_event(&named, request)
    });
    if let Err(error) = sent {
        log::say(format_args!("{name}: ping refused: {}", error.message()));
    }
}
