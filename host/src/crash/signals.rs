//! Catches the signals that end a process, reports them, and restores their default action.

use core::ffi::c_int;
use core::ffi::c_ulong;
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::AtomicI32;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::Ordering;

use super::Cause;
use super::Locate;
use super::report;
use super::walker;
use crate::arch;
use crate::arch::Interrupted;
use crate::in_flight;
use crate::sys;

/// Faults this close to the stack pointer, in bytes, are stack overflows.
const MAX_STACK_DISTANCE: usize = 64 << 10;

/// Faults and traps, watched from the start.
const FAULTS: [(c_int, &str, &str); 5] = [
    (libc::SIGSEGV, "SIGSEGV", "SegmentationFault"),
    (libc::SIGBUS, "SIGBUS", "BusError"),
    (libc::SIGILL, "SIGILL", "IllegalInstruction"),
    (libc::SIGFPE, "SIGFPE", "ArithmeticTrap"),
    (libc::SIGTRAP, "SIGTRAP", "TraceTrap"),
];

/// The other signals that end a process by default, watched from the first invocation on. SIGTERM,
/// SIGINT, SIGHUP and SIGQUIT are left out: the user or the platform sends them. SIGPIPE is
/// ignored.
const OTHERS: [(c_int, &str, &str); 12] = [
    (libc::SIGABRT, "SIGABRT", "Aborted"),
    (libc::SIGSYS, "SIGSYS", "BadSystemCall"),
    (libc::SIGUSR1, "SIGUSR1", "UserSignal"),
    (libc::SIGUSR2, "SIGUSR2", "UserSignal"),
    (libc::SIGALRM, "SIGALRM", "AlarmSignal"),
    (libc::SIGVTALRM, "SIGVTALRM", "AlarmSignal"),
    (libc::SIGPROF, "SIGPROF", "AlarmSignal"),
    (libc::SIGXCPU, "SIGXCPU", "LimitExceeded"),
    (libc::SIGXFSZ, "SIGXFSZ", "LimitExceeded"),
    (libc::SIGPOLL, "SIGPOLL", "PollSignal"),
    (libc::SIGSTKFLT, "SIGSTKFLT", "StackFault"),
    (libc::SIGPWR, "SIGPWR", "PowerSignal"),
];

static LOCATE: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());
/// The watched process: children that a handler forks are not reported.
static PROCESS: AtomicI32 = AtomicI32::new(0);

unsafe extern "C" {
    /// The calling thread's id, which the C library caches: no system call.
    fn gettid() -> c_int;
}

fn known(number: c_int) -> Option<&'static (c_int, &'static str, &'static str)> {
    FAULTS.iter().chain(&OTHERS).find(|(known, _, _)| *known == number)
}

/// A signal's name.
pub fn name(number: c_int) -> &'static str {
    known(number).map_or("another signal", |(_, name, _)| name)
}

/// A signal's error type.
pub fn error_type(number: c_int) -> &'static str {
    known(number).map_or("KilledBySignal", |(_, _, error_type)| error_type)
}

/// Watches the faults, on each thread's alternate stack, and ignores SIGPIPE; `locate` finds the
/// library of an address. The main thread calls it before any code of a library runs.
pub fn watch_faults(locate: Locate) {
    LOCATE.store(locate as *mut (), Ordering::Relaxed);
    // The main thread's id is the process id, and the C library has it without a system call.
    // SAFETY: the call has no argument.
    PROCESS.store(unsafe { gettid() }, Ordering::Relaxed);
    FAULTS.iter().for_each(|(number, _, _)| watch(*number));
    // A closed peer is then an error of the write, as in every Rust program.
    set_action(libc::SIGPIPE, libc::SIG_IGN, 0);
}

/// Watches the other signals, except those for which the library has installed an action.
pub fn watch_other_signals() {
    let numbers = OTHERS.iter().map(|(number, _, _)| *number);
    numbers.filter(|&number| is_default(number)).for_each(watch);
}

type OnSignal = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

fn is_default(number: c_int) -> bool {
    current(number) == libc::SIG_DFL
}

/// The address of the signal's handler.
fn current(number: c_int) -> usize {
    // SAFETY: a structure of numbers and pointers, for which zeros are valid.
    let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
    // SAFETY: the call only writes to `action`.
    unsafe { libc::sigaction(number, ptr::null(), &raw mut action) };
    action.sa_sigaction
}

fn watch(number: c_int) {
    install(number, on_signal, 0);
}

fn install(number: c_int, handler: OnSignal, flags: c_int) {
    let flags = libc::SA_SIGINFO | libc::SA_ONSTACK | flags;
    set_action(number, handler as *const () as usize, flags);
}

/// `struct sigaction` as the kernel has it. Source: asm/signal.h of Linux.
#[repr(C)]
struct Action {
    handler: usize,
    flags: c_ulong,
    restorer: unsafe extern "C" fn() -> !,
    mask: u64,
}

/// Sets a signal's action by the system call alone: musl's `sigaction` makes another one first,
/// which the start can do without.
fn set_action(number: c_int, handler: usize, flags: c_int) {
    const SA_RESTORER: c_ulong = 0x0400_0000;
    let flags = c_ulong::from(flags.cast_unsigned()) | SA_RESTORER;
    let action = Action { handler, flags, restorer: arch::restore, mask: 0 };
    let (none, mask_size) = (ptr::null_mut::<c_void>(), size_of::<u64>());
    // SAFETY: the kernel reads `action`. Handlers have the signature for SA_SIGINFO, and are
    // async-signal-safe.
    unsafe { libc::syscall(libc::SYS_rt_sigaction, number, &raw const action, none, mask_size) };
}

/// Installs a handler that restarts system calls, unless the library has installed another; then
/// returns false.
pub(super) fn take_over(number: c_int, handler: OnSignal) -> bool {
    let current = current(number);
    if current == libc::SIG_DFL {
        install(number, handler, libc::SA_RESTART);
    }
    current == libc::SIG_DFL || current == handler as *const () as usize
}

/// `raise`, which also works in a child of `vfork`; there musl's own would signal the parent.
#[unsafe(no_mangle)]
pub extern "C" fn pilotlight_raise(number: c_int) -> c_int {
    // SAFETY: the call has no pointer.
    let code = unsafe { libc::syscall(libc::SYS_tgkill, process(), thread(), number) };
    c_int::from(code == 0) - 1
}

extern "C" fn on_signal(number: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes it to a handler that asked for SA_SIGINFO.
    if walker::rescue(unsafe { &mut *context.cast() }) {
        return;
    }
    if is_watched() {
        report(&cause(number, info, context), locate());
    }
    // The signal is blocked now; raised again, it takes its default action when this returns.
    // SAFETY: no handler is installed.
    unsafe { libc::signal(number, libc::SIG_DFL) };
    pilotlight_raise(number);
}

pub(super) fn locate() -> Option<Locate> {
    let locate = LOCATE.load(Ordering::Relaxed);
    if locate.is_null() {
        return None;
    }
    // SAFETY: `watch_faults` has stored a function of this type.
    Some(unsafe { core::mem::transmute::<*mut (), Locate>(locate) })
}

fn cause(number: c_int, info: *mut libc::siginfo_t, context: *mut c_void) -> Cause {
    // SAFETY: the kernel passes it to a handler that asked for SA_SIGINFO.
    let info = unsafe { &*info };
    // SAFETY: as above.
    let context = unsafe { &*context.cast::<libc::ucontext_t>() };
    let Interrupted { instruction, stack, .. } = arch::interrupted_at(context);
    let is_fault = info.si_code > 0 && number != libc::SIGABRT;
    // SAFETY: a fault has an address.
    let address = is_fault.then(|| unsafe { info.si_addr() }.addr());
    let stack_overflow = number == libc::SIGSEGV
        && address.is_some_and(|address| address.abs_diff(stack) < MAX_STACK_DISTANCE);
    Cause::Signal { number, address, instruction, stack_overflow }
}

/// Reports that the handler has called `exit`.
pub fn report_exit(code: c_int) {
    if is_watched() {
        report(&Cause::Exit { code }, None);
    }
}

/// Reports a failure of the runtime to the invocations of other workers. Does not return if another
/// thread is already ending the process: then that thread decides the exit code.
pub fn report_failure(code: c_int) {
    report(&Cause::Failure { code }, None);
    if !in_flight::is_reporter() {
        sys::park();
    }
}

/// Ends the process as `abort` does, with a report. A signal handler of the library runs first, and
/// may not return.
pub fn report_abort() {
    let number = libc::SIGABRT;
    let mut unblocked = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: zeros are an empty signal set.
    unsafe { libc::sigaddset(unblocked.as_mut_ptr(), number) };
    // SAFETY: `unblocked` is a signal set, and null discards the old mask.
    unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, unblocked.as_ptr(), ptr::null_mut()) };
    if is_default(number) {
        watch(number);
    }
    pilotlight_raise(number);
    // The signal was ignored, or the library's handler returned.
    watch(number);
    pilotlight_raise(number);
}

/// Whether this is the watched process, and not a forked child.
pub fn is_watched() -> bool {
    process() == PROCESS.load(Ordering::Relaxed)
}

/// The calling thread's id, from the kernel: the C library's is wrong in a child of `vfork`.
pub(super) fn thread() -> c_int {
    // SAFETY: the call has no argument.
    let number = unsafe { libc::syscall(libc::SYS_gettid) };
    c_int::try_from(number).unwrap_or(-1)
}

fn process() -> c_int {
    // SAFETY: the call has no argument.
    unsafe { libc::getpid() }
}
