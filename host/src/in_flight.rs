//! Each worker's invocation in flight: its request id, for the log, and the report to send if the
//! process ends, prepared in advance in memory that is already allocated.

mod request_id;

pub(crate) use self::request_id::MAX_REQUEST_ID;

use alloc::boxed::Box;
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::net::SocketAddr;
use core::ptr;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::AtomicI32;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering;

use self::request_id::RequestId;
use crate::sys;
use crate::sys::socket::Socket;

/// Limit of a report's head, in bytes; about 400 on Lambda.
const MAX_HEAD: usize = 1024;

/// The destination of a report.
#[derive(Clone, Copy, Debug)]
pub enum Destination {
    /// A request over a new connection.
    Post(SocketAddr),
    /// The trailers of a streamed response: its socket, and the name of the trailer for the error's
    /// body.
    Trailers(i32, &'static str),
}

/// A prepared report.
#[derive(Debug)]
pub(crate) struct Report {
    /// The destination.
    pub destination: Destination,
    /// The beginning, up to the error's category.
    pub head: &'static [u8],
}

/// State of a worker: it has nothing to report.
const IDLE: u32 = 0;
/// State: it waits for an invocation, which may have arrived already.
const ASKING: u32 = 1;
/// State: it runs an invocation or the init phase, and no outcome has been sent yet.
const ARMED: u32 = 2;
/// State: it is sending the outcome.
const ANSWERING: u32 = 3;
/// Flag set by the thread that reports the end of the process: the worker must stop.
const STOPPED: u32 = 4;

/// Total time that the reporter waits for workers that are asking or answering, in milliseconds.
const WORKERS_TIMEOUT_MS: u32 = 1000;

/// The reporter: the thread that reports the end of the process; 0 for none.
static REPORTER: AtomicU64 = AtomicU64::new(0);
static IS_REPORTED: AtomicBool = AtomicBool::new(false);

struct WorkerSlot {
    thread: AtomicU64,
    request_id: RequestId,
    /// One of the states above. Any thread may set [`STOPPED`]; the worker makes all other changes,
    /// or the reporter once the worker is stopped.
    state: AtomicU32,
    /// The socket that the invocation arrives on.
    descriptor: AtomicI32,
    prepared: UnsafeCell<Prepared>,
    next: AtomicPtr<WorkerSlot>,
}

struct Prepared {
    destination: MaybeUninit<Destination>,
    head: [u8; MAX_HEAD],
    /// The length of the head; 0 if nothing is prepared.
    length: usize,
}

// SAFETY: the slot's one worker writes `prepared` while it is not armed, and the one thread that
// has found it armed and stopped reads it: a stopped worker makes no further transition.
unsafe impl Sync for WorkerSlot {}

impl WorkerSlot {
    fn of_this_thread() -> WorkerSlot {
        let prepared =
            Prepared { destination: MaybeUninit::uninit(), head: [0; MAX_HEAD], length: 0 };
        WorkerSlot {
            thread: AtomicU64::new(this_thread()),
            request_id: RequestId::new(),
            state: AtomicU32::new(IDLE),
            descriptor: AtomicI32::new(-1),
            prepared: UnsafeCell::new(prepared),
            next: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Stops the worker and returns its state.
    fn stop(&self) -> u32 {
        self.state.fetch_or(STOPPED, Ordering::AcqRel) & !STOPPED
    }

    /// Takes the report of a worker that is armed and stopped. Later calls return None.
    fn take(&'static self) -> Option<Report> {
        let (armed, taken) = (ARMED | STOPPED, IDLE | STOPPED);
        let order = Ordering::Acquire;
        self.state.compare_exchange(armed, taken, order, Ordering::Relaxed).ok()?;
        // SAFETY: it was armed and stopped, and only this caller has taken it.
        let prepared = unsafe { &*self.prepared.get() };
        let head = prepared.head.get(..prepared.length).filter(|head| !head.is_empty())?;
        // SAFETY: `prepare` has written it together with the head.
        let destination = unsafe { prepared.destination.assume_init() };
        Some(Report { destination, head })
    }

    /// Stops the worker and takes its report, after it has read an invocation that has arrived, or
    /// has sent its outcome.
    fn wait_and_take(&'static self, remaining_ms: &mut u32) -> Option<Report> {
        loop {
            let is_busy = match self.stop() {
                ASKING => {
                    let descriptor = self.descriptor.load(Ordering::Relaxed);
                    Socket::borrow_raw(descriptor).wait_readable(0)
                }
                ANSWERING => true,
                _ => false,
            };
            if !is_busy || *remaining_ms == 0 {
                return self.take();
            }
            *remaining_ms -= 1;
            sys::pause(1);
        }
    }

    fn is_of(&self, thread: u64) -> bool {
        self.thread.load(Ordering::Relaxed) == thread
    }
}

static LIST: AtomicPtr<WorkerSlot> = AtomicPtr::new(ptr::null_mut());

fn slots() -> impl Iterator<Item = &'static WorkerSlot> {
    let slot = |pointer: *mut WorkerSlot| {
        // SAFETY: null, or a slot that is never freed.
        unsafe { pointer.as_ref() }
    };
    let first = slot(LIST.load(Ordering::Acquire));
    core::iter::successors(first, move |current| slot(current.next.load(Ordering::Relaxed)))
}

/// The worker's handle to its slot; only its thread calls the methods.
#[derive(Debug)]
pub struct Worker(&'static WorkerSlot);

impl core::fmt::Debug for WorkerSlot {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WorkerSlot").finish_non_exhaustive()
    }
}

impl Worker {
    /// Registers the calling thread. Its slot is never freed.
    pub fn register() -> Worker {
        let slot = Box::leak(Box::new(WorkerSlot::of_this_thread()));
        let pointer = ptr::from_ref(slot).cast_mut();
        let _ = LIST.fetch_update(Ordering::Release, Ordering::Relaxed, |head| {
            slot.next.store(head, Ordering::Relaxed);
            Some(pointer)
        });
        Worker(slot)
    }

    /// Sets the request id for the log.
    pub fn set_request_id(&mut self, id: &[u8]) {
        self.0.request_id.set(id);
    }

    /// Removes the request id from the log.
    pub fn clear_request_id(&mut self) {
        self.0.request_id.clear();
    }

    /// Prepares a report that begins with these parts, up to the error's category. Does nothing
    /// while the worker is armed.
    pub fn prepare(&mut self, destination: Destination, parts: &[&[u8]]) {
        if self.0.state.load(Ordering::Relaxed) & !STOPPED == ARMED {
            return;
        }
        // SAFETY: not armed, so no other thread reads it, and `&mut self` is its only handle.
        let prepared = unsafe { &mut *self.0.prepared.get() };
        prepared.length = 0;
        let mut length = 0;
        for part in parts {
            let Some(target) = prepared.head.get_mut(length..length + part.len()) else {
                // A request id too long for the buffer: no report.
                return;
            };
            target.copy_from_slice(part);
            length += part.len();
        }
        prepared.length = length;
        prepared.destination = MaybeUninit::new(destination);
    }

    /// Sets the socket on which the response to the request will arrive.
    pub fn set_descriptor(&mut self, descriptor: i32) {
        self.0.descriptor.store(descriptor, Ordering::Relaxed);
    }

    /// From now on, an invocation may arrive.
    pub fn start_asking(&mut self) {
        self.transition(ASKING);
    }

    /// From now on, the end of the process is reported with the prepared report.
    pub fn arm(&mut self) {
        self.transition(ARMED);
    }

    /// From now on, the worker itself sends the outcome of its invocation.
    pub fn start_answering(&mut self) {
        self.transition(ANSWERING);
    }

    /// From now on, the end of the process is not reported for this worker.
    pub fn disarm(&mut self) {
        self.transition(IDLE);
    }

    /// Enters the next state. If the process is ending, the worker blocks here; it still records
    /// the end of asking or answering, because the reporter waits for that.
    fn transition(&mut self, next: u32) {
        let state = &self.0.state;
        let now = state.load(Ordering::Relaxed);
        let (done, order) = (Ordering::AcqRel, Ordering::Relaxed);
        if now & STOPPED == 0 && state.compare_exchange(now, next, done, order).is_ok() {
            return;
        }
        if matches!(now & !STOPPED, ASKING | ANSWERING) {
            state.store(next | STOPPED, Ordering::Release);
        }
        // Exit handlers on the reporter's thread may still write to a response.
        if !is_reporter() {
            sys::park();
        }
    }
}

/// Makes the calling thread the reporter, and stops every worker.
pub(crate) fn begin_report() {
    REPORTER.store(this_thread(), Ordering::Relaxed);
    for slot in slots() {
        slot.stop();
    }
}

/// Marks the end of the process as reported.
pub(crate) fn end_report() {
    IS_REPORTED.store(true, Ordering::Release);
}

/// Waits until another thread has reported the end of the process. Returns at once on the reporter.
pub(crate) fn wait_for_report() {
    while !is_reporter() && !IS_REPORTED.load(Ordering::Acquire) {
        sys::pause(1);
    }
}

/// Whether the calling thread is the reporter.
pub(crate) fn is_reporter() -> bool {
    REPORTER.load(Ordering::Relaxed) == this_thread()
}

/// Passes each prepared report to `send`: that of the calling thread's worker, then those of other
/// armed workers, then those of workers that were asking or answering. They include every
/// invocation that the platform had handed out before it responded to the first report, unless its
/// worker sent an outcome.
pub(crate) fn take_all(send: &mut dyn FnMut(&Report)) {
    let thread = this_thread();
    let mut remaining_ms = WORKERS_TIMEOUT_MS;
    for pass in [Pass::Own, Pass::Ready, Pass::Busy] {
        for slot in slots().filter(|slot| slot.is_of(thread) == matches!(pass, Pass::Own)) {
            let report = match pass {
                Pass::Own | Pass::Ready => slot.take(),
                Pass::Busy => slot.wait_and_take(&mut remaining_ms),
            };
            if let Some(report) = report {
                send(&report);
            }
        }
    }
}

enum Pass {
    Own,
    Ready,
    Busy,
}

/// The id of the request that the calling thread works for, if known: its own, or that of the only
/// worker. Writes it to `buffer` and returns its length.
pub(crate) fn request_id(buffer: &mut [u8; MAX_REQUEST_ID]) -> usize {
    let thread = this_thread();
    let own = slots().find(|slot| slot.is_of(thread));
    let only = || slots().next().filter(|_| slots().count() == 1);
    own.or_else(only).map_or(0, |slot| slot.request_id.get(buffer))
}

fn this_thread() -> u64 {
    // SAFETY: the call has no argument.
    unsafe { libc::pthread_self() }
}
