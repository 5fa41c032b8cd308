//! Reports an invocation that is about to time out: the stack of the thread that runs the handler
//! is logged shortly before the deadline, and the handler goes on.
//!
//! A timer of each worker sends that thread a signal. Like the report of a crash, this one is made
//! inside a signal handler.

use alloc::boxed::Box;
use core::ffi::c_int;
use core::ffi::c_void;
use core::fmt::Write as _;
use core::ptr;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering;

use super::FixedString;
use super::describe_location;
use super::report_buffer;
use super::signals;
use super::walker;
use super::walker::Walker;
use crate::arch;
use crate::arch::Interrupted;
use crate::errno::Errno;
use crate::log;
use crate::sys;
use crate::sys::clock;

/// The timers' signal. musl reserves 32 to 34, and libraries count from the lower end.
const SIGNAL: c_int = 62;
/// Limit of the frames in a report.
const MAX_FRAMES: usize = 32;
/// Limit of a report, in bytes.
const MAX_MESSAGE: usize = 8 << 10;

static MARGIN_MS: AtomicU64 = AtomicU64::new(0);

/// From now on, invocations are reported this long before their deadlines.
pub fn report_time_outs(margin_ms: u64, walker: &'static Walker) {
    walker::set(walker);
    MARGIN_MS.store(margin_ms, Ordering::Relaxed);
}

/// The state of one worker, for the signal handler.
#[derive(Debug, Default)]
struct Watched {
    /// An address in the runtime's frames; 0 while there is no invocation.
    top: AtomicUsize,
    deadline_ms: AtomicU64,
}

/// The timer of one worker, and the state that its signals carry.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    timer: c_int,
    watched: &'static Watched,
}

impl Watch {
    /// Creates the calling thread's timer; None if reports are not switched on.
    pub fn new() -> Option<Watch> {
        if MARGIN_MS.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let watched: &'static Watched = Box::leak(Box::default());
        // SAFETY: a structure of numbers and pointers, for which zeros are valid.
        let mut event: libc::sigevent = unsafe { core::mem::zeroed() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = SIGNAL;
        event.sigev_value.sival_ptr = ptr::from_ref(watched).cast_mut().cast();
        event.sigev_notify_thread_id = signals::thread();
        let (clock, mut timer) = (libc::CLOCK_MONOTONIC, 0);
        // SAFETY: the kernel reads `event` and writes a number to `timer`.
        let code = unsafe {
            libc::syscall(libc::SYS_timer_create, clock, &raw const event, &raw mut timer)
        };
        (code == 0).then_some(Watch { timer, watched })
    }

    /// An invocation begins. `top` is an address in the caller's frame. If the library uses the
    /// signal itself, there is no report.
    pub fn begin(&self, top: usize, deadline_ms: u64) {
        let left_ms = deadline_ms.saturating_sub(clock::now_ms());
        if left_ms == 0 || !signals::take_over(SIGNAL, on_time_out) {
            return;
        }
        self.watched.deadline_ms.store(deadline_ms, Ordering::Relaxed);
        self.watched.top.store(top, Ordering::Relaxed);
        // Of a time that is shorter than the margin, half.
        let margin_ms = MARGIN_MS.load(Ordering::Relaxed);
        let delay_ms = left_ms - if margin_ms < left_ms { margin_ms } else { left_ms / 2 };
        let none = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let delay = libc::timespec {
            tv_sec: (delay_ms / 1000).cast_signed(),
            tv_nsec: (delay_ms % 1000 * 1_000_000).cast_signed(),
        };
        let time = libc::itimerspec { it_interval: none, it_value: delay };
        // SAFETY: the kernel reads `time`.
        unsafe {
            libc::syscall(
                libc::SYS_timer_settime,
                self.timer,
                0,
                &raw const time,
                ptr::null_mut::<c_void>(),
            )
        };
    }

    /// The invocation has ended. A timer that is still running changes nothing.
    pub fn end(&self) {
        self.watched.top.store(0, Ordering::Relaxed);
    }
}

extern "C" fn on_time_out(_: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let errno = Errno::last();
    // SAFETY: the kernel passes it to a handler that asked for SA_SIGINFO.
    let info = unsafe { &*info };
    if info.si_code == libc::SI_TIMER {
        // SAFETY: the signal of a timer carries the value that the timer was created with.
        let value = unsafe { info.si_value() };
        // SAFETY: `Watch::new` has created the only timers with this signal.
        let watched = unsafe { &*value.sival_ptr.cast::<Watched>() };
        // SAFETY: as above.
        let context = unsafe { &*context.cast::<libc::ucontext_t>() };
        report(watched, arch::interrupted_at(context));
    }
    errno.set();
}

fn report(watched: &Watched, at: Interrupted) {
    let top = watched.top.load(Ordering::Relaxed);
    let Some(walker) = walker::get().filter(|_| top != 0) else {
        return;
    };
    let mut frames = [0; MAX_FRAMES];
    report_buffer::lend(&mut |buffer| {
        let count = (walker.walk)(at, top, &mut frames);
        let (message, line) = buffer.split_at_mut(MAX_MESSAGE);
        let mut message = FixedString::new(message);
        let deadline_ms = watched.deadline_ms.load(Ordering::Relaxed);
        let left_ms = deadline_ms.saturating_sub(clock::now_ms());
        // Writing to a full string cuts the text.
        let _ = write!(message, "still running {left_ms} ms before the time-out");
        for &frame in &frames[..count] {
            let _ = describe_location(frame, signals::locate(), "\n    in ", &mut message);
        }
        let mut line = FixedString::new(line);
        let _ = log::format_warning(&mut line, message.as_bytes());
        sys::log(line.as_bytes());
    });
}
