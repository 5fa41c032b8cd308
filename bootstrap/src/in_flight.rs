//! What each worker has in flight: the request, for the log; and what is to be sent if the process
//! ends, prepared in memory that is there when an invocation comes.

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
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering;
use core::sync::atomic::fence;

use crate::sys;
use crate::sys::Socket;

/// Room for a request's head: some 400 bytes on Lambda.
const MAX_HEAD: usize = 1024;
/// Room for a request id, which is a UUID of 36 bytes; of a longer one the log has the beginning.
pub const MAX_REQUEST_ID: usize = 64;

/// Where a report of a worker's end goes.
#[derive(Clone, Copy, Debug)]
pub enum Destination {
    /// To a connection of its own, as a request.
    Post(SocketAddr),
    /// To the end of a response that is being streamed: this descriptor, and the name of the trailer for
    /// the error's body.
    Trailers(i32, &'static str),
}

/// What a report is made with.
#[derive(Debug)]
pub struct Request {
    /// Where it goes.
    pub destination: Destination,
    /// What it begins with, up to the error's category.
    pub head: &'static [u8],
}

/// What a worker is doing, as far as the end of the process is concerned: nothing that could be reported.
const IDLE: u32 = 0;
/// It waits for an invocation, which may have come already.
const ASKING: u32 = 1;
/// It has an invocation, or the process's start; nobody has been told yet how that ends.
const ARMED: u32 = 2;
/// It is telling just now.
const ANSWERING: u32 = 3;
/// Added by the thread that reports the end of the process: the worker goes no further.
const STOPPED: u32 = 4;

/// How long the reporting thread waits for workers that are asking or answering, in all.
const WORKERS_TIMEOUT_MS: u32 = 1000;

/// The thread that reports the end of the process; 0 for none.
static REPORTER: AtomicU64 = AtomicU64::new(0);
static IS_REPORTED: AtomicBool = AtomicBool::new(false);

struct WorkerSlot {
    thread: AtomicU64,
    request_id: RequestId,
    /// One of the states above. [`STOPPED`] is added by any thread, all else is changed by the worker, or by
    /// the reporting thread once the worker is stopped.
    state: AtomicU32,
    /// Where an invocation comes from.
    descriptor: AtomicI32,
    prepared: UnsafeCell<Prepared>,
    next: AtomicPtr<WorkerSlot>,
}

struct Prepared {
    destination: MaybeUninit<Destination>,
    head: [u8; MAX_HEAD],
    /// Of the head; 0 for nothing.
    length: usize,
}

// SAFETY: what is prepared is written by the slot's one worker while it is not armed, and read by the one
// thread that has found it armed and stopped: a stopped worker does not go on from there.
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

    /// Stops the worker, and says what it was doing.
    fn stop(&self) -> u32 {
        self.state.fetch_or(STOPPED, Ordering::AcqRel) & !STOPPED
    }

    /// What is to be reported of a worker that is armed, once.
    fn take(&'static self) -> Option<Request> {
        let (armed, taken) = (ARMED | STOPPED, IDLE | STOPPED);
        let order = Ordering::Acquire;
        self.state.compare_exchange(armed, taken, order, Ordering::Relaxed).ok()?;
        // SAFETY: it was armed and stopped, and this caller alone has taken it.
        let prepared = unsafe { &*self.prepared.get() };
        let head = prepared.head.get(..prepared.length).filter(|head| !head.is_empty())?;
        // SAFETY: `prepare` has written it, with the head.
        let destination = unsafe { prepared.destination.assume_init() };
        Some(Request { destination, head })
    }

    /// The same, once a worker has taken in the invocation that is there for it, or given its answer.
    fn wait_and_take(&'static self, remaining_ms: &mut u32) -> Option<Request> {
        loop {
            let is_busy = match self.stop() {
                ASKING => {
                    let descriptor = self.descriptor.load(Ordering::Relaxed);
                    Socket::borrow_raw(descriptor).wait_for_answer(0)
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
        // SAFETY: null, or a slot that lives for good.
        unsafe { pointer.as_ref() }
    };
    let first = slot(LIST.load(Ordering::Acquire));
    core::iter::successors(first, move |current| slot(current.next.load(Ordering::Relaxed)))
}

/// One worker's slot; its methods are called by its thread.
#[derive(Debug)]
pub struct Worker(&'static WorkerSlot);

impl core::fmt::Debug for WorkerSlot {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WorkerSlot").finish_non_exhaustive()
    }
}

impl Worker {
    /// That of the calling thread, which keeps it for ever.
    pub fn register() -> Worker {
        let slot = Box::leak(Box::new(WorkerSlot::of_this_thread()));
        let pointer = ptr::from_ref(slot).cast_mut();
        let _ = LIST.fetch_update(Ordering::Release, Ordering::Relaxed, |head| {
            slot.next.store(head, Ordering::Relaxed);
            Some(pointer)
        });
        Worker(slot)
    }

    /// From now on, this is the request that the log names.
    pub fn set_request_id(&mut self, id: &[u8]) {
        self.0.request_id.set(id);
    }

    /// From now on, the log names no request.
    pub fn clear_request_id(&mut self) {
        self.0.request_id.clear();
    }

    /// Prepares a report to this destination, which begins with these parts and goes on with the category of the
    /// error. Does nothing while the worker is armed.
    pub fn prepare(&mut self, destination: Destination, parts: &[&[u8]]) {
        if self.0.state.load(Ordering::Relaxed) & !STOPPED == ARMED {
            return;
        }
        // SAFETY: not armed, so no other thread looks at it, and `&mut self` is its only handle.
        let prepared = unsafe { &mut *self.0.prepared.get() };
        prepared.length = 0;
        let mut length = 0;
        for part in parts {
            let Some(room) = prepared.head.get_mut(length..length + part.len()) else {
                // A request id that long has no report.
                return;
            };
            room.copy_from_slice(part);
            length += part.len();
        }
        prepared.length = length;
        prepared.destination = MaybeUninit::new(destination);
    }

    /// Where the answer to what is being sent will come from.
    pub fn set_descriptor(&mut self, descriptor: i32) {
        self.0.descriptor.store(descriptor, Ordering::Relaxed);
    }

    /// From now on, an invocation may come.
    pub fn ask(&mut self) {
        self.transition(ASKING);
    }

    /// From now on, the end of the process is reported as was prepared.
    pub fn arm(&mut self) {
        self.transition(ARMED);
    }

    /// From now on, the worker tells by itself how its invocation has ended.
    pub fn answer(&mut self) {
        self.transition(ANSWERING);
    }

    /// From now on, the end of the process is not this worker's affair.
    pub fn disarm(&mut self) {
        self.transition(IDLE);
    }

    /// Takes the next step, unless the process is ending: then the worker stays here. What it has just
    /// finished it still says, because the reporting thread waits for that.
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
        // Functions that run at `exit` may still want to write to a response.
        if !is_reporter() {
            sys::park();
        }
    }
}

/// Stops every worker, because the calling thread is about to report the end of the process.
pub fn begin_report() {
    REPORTER.store(this_thread(), Ordering::Relaxed);
    for slot in slots() {
        slot.stop();
    }
}

/// The end of the process has been reported.
pub fn end_report() {
    IS_REPORTED.store(true, Ordering::Release);
}

/// Waits for another thread to have reported the end of the process. Returns at once to the thread that does.
pub fn wait_for_report() {
    while !is_reporter() && !IS_REPORTED.load(Ordering::Acquire) {
        sys::pause(1);
    }
}

/// Whether the calling thread is the one that reports the end of the process.
pub fn is_reporter() -> bool {
    REPORTER.load(Ordering::Relaxed) == this_thread()
}

/// Has each report that was prepared sent: that of the calling thread's worker, then those that can be had at
/// once, then those of workers that were asking or answering. An invocation that the platform had handed out
/// before the first report was answered is among them, unless its worker has answered it by itself.
pub fn take_all(send: &mut dyn FnMut(&Request)) {
    let thread = this_thread();
    let mut remaining_ms = WORKERS_TIMEOUT_MS;
    for pass in [Pass::Own, Pass::Ready, Pass::Busy] {
        for slot in slots().filter(|slot| slot.is_of(thread) == matches!(pass, Pass::Own)) {
            let request = match pass {
                Pass::Own | Pass::Ready => slot.take(),
                Pass::Busy => slot.wait_and_take(&mut remaining_ms),
            };
            if let Some(request) = request {
                send(&request);
            }
        }
    }
}

enum Pass {
    Own,
    Ready,
    Busy,
}

/// The id of the request that the calling thread works for, as far as that is known: its own, or that
/// of the only worker. Returns how many bytes of `buffer` it has.
pub fn request_id(buffer: &mut [u8; MAX_REQUEST_ID]) -> usize {
    let thread = this_thread();
    let own = slots().find(|slot| slot.is_of(thread));
    let only = || slots().next().filter(|_| slots().count() == 1);
    own.or_else(only).map_or(0, |slot| slot.request_id.get(buffer))
}

fn this_thread() -> u64 {
    // SAFETY: the call has no argument.
    unsafe { libc::pthread_self() }
}

/// A request id that one thread writes and any may read, whole or not at all: a sequence lock, odd
/// while it is being written.
struct RequestId {
    sequence: AtomicU32,
    length: AtomicUsize,
    words: [AtomicU64; MAX_REQUEST_ID / 8],
}

impl RequestId {
    const fn new() -> RequestId {
        RequestId {
            sequence: AtomicU32::new(0),
            length: AtomicUsize::new(0),
            words: [const { AtomicU64::new(0) }; MAX_REQUEST_ID / 8],
        }
    }

    fn set(&self, id: &[u8]) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(sequence.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        self.length.store(id.len().min(MAX_REQUEST_ID), Ordering::Relaxed);
        for (word, bytes) in self.words.iter().zip(id.chunks(8)) {
            let mut whole = [0; 8];
            whole[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_ne_bytes(whole), Ordering::Relaxed);
        }
        self.sequence.store(sequence.wrapping_add(2), Ordering::Release);
    }

    fn clear(&self) {
        self.length.store(0, Ordering::Relaxed);
    }

    fn get(&self, buffer: &mut [u8; MAX_REQUEST_ID]) -> usize {
        let before = self.sequence.load(Ordering::Acquire);
        for (word, bytes) in self.words.iter().zip(buffer.chunks_mut(8)) {
            bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
        }
        let length = self.length.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        let after = self.sequence.load(Ordering::Relaxed);
        // One that changes just now is neither of the two.
        if before == after && before.is_multiple_of(2) { length } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_kept_and_cut() {
        let id = RequestId::new();
        let mut buffer = [0; MAX_REQUEST_ID];
        assert_eq!(id.get(&mut buffer), 0);
        id.set(b"8476a536-e9f4-11e8-9739-2dfe598c3fcd");
        let length = id.get(&mut buffer);
        assert_eq!(&buffer[..length], b"8476a536-e9f4-11e8-9739-2dfe598c3fcd");
        id.set(&[b'x'; 100]);
        assert_eq!(id.get(&mut buffer), MAX_REQUEST_ID);
    }

    #[test]
    fn an_id_that_is_read_while_it_changes_is_one_of_the_two_or_none() {
        extern crate std;
        const READS: u32 = 500_000;
        let id = RequestId::new();
        let ended = AtomicBool::new(false);
        let is_whole = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    id.set(&[b'a'; 9]);
                    id.set(&[b'b'; MAX_REQUEST_ID]);
                }
            });
            let mut buffer = [0; MAX_REQUEST_ID];
            let is_whole = (0..READS).all(|_| {
                let length = id.get(&mut buffer);
                let found = &buffer[..length];
                length == 0 || found == [b'a'; 9] || found == [b'b'; MAX_REQUEST_ID]
            });
            ended.store(true, Ordering::Relaxed);
            is_whole
        });
        assert!(is_whole);
    }
}
