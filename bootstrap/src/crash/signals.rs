//! Signals that end a process: caught, reported, and then given their way.

use core::ffi::c_int;
use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::AtomicI32;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::Ordering;

use super::Cause;
use super::Locate;
use super::report;

/// How near to the stack pointer a fault is one of the stack.
const NEAR: usize = 64 << 10;

/// Faults: watched from the start.
const FAULTS: [(c_int, &str, &str); 4] = [
    (libc::SIGSEGV, "SIGSEGV", "SegmentationFault"),
    (libc::SIGBUS, "SIGBUS", "BusError"),
    (libc::SIGILL, "SIGILL", "IllegalInstruction"),
    (libc::SIGFPE, "SIGFPE", "ArithmeticTrap"),
];

/// What else ends a process that does not ask for it: watched from the first invocation on. SIGTERM,
/// SIGINT, SIGHUP and SIGQUIT come from whoever runs the process, and SIGPIPE is ignored.
const OTHERS: [(c_int, &str, &str); 13] = [
    (libc::SIGABRT, "SIGABRT", "Aborted"),
    (libc::SIGTRAP, "SIGTRAP", "TraceTrap"),
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
/// The process that is watched: a child that a handler forks ends for itself.
static PROCESS: AtomicI32 = AtomicI32::new(0);
/// The thread that reports; 0 for none.
static REPORTER: AtomicI32 = AtomicI32::new(0);

fn known(number: c_int) -> Option<&'static (c_int, &'static str, &'static str)> {
    FAULTS.iter().chain(&OTHERS).find(|(known, _, _)| *known == number)
}

/// A signal's name.
pub fn name(number: c_int) -> &'static str {
    known(number).map_or("another signal", |(_, name, _)| name)
}

/// A signal's word for the error's type.
pub fn error_type(number: c_int) -> &'static str {
    known(number).map_or("KilledBySignal", |(_, _, error_type)| error_type)
}

/// Watches the faults, on the stack for reports that each thread has set; `locate` tells a library from its address.
pub fn watch_faults(locate: Locate) {
    LOCATE.store(locate as *mut (), Ordering::Relaxed);
    PROCESS.store(process(), Ordering::Relaxed);
    FAULTS.iter().for_each(|(number, _, _)| watch(*number));
}

/// Watches what else may end the process, but for signals that the library has found a use for.
pub fn watch_other_signals() {
    let numbers = OTHERS.iter().map(|(number, _, _)| *number);
    numbers.filter(|&number| is_default(number)).for_each(watch);
    if is_default(libc::SIGPIPE) {
        // A peer that has gone is an error of the write, as in every Rust program.
        // SAFETY: ignoring a signal needs nothing.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    }
}

fn is_default(number: c_int) -> bool {
    // SAFETY: a structure of numbers and pointers, for which zeros are valid.
    let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
    // SAFETY: the call changes nothing but `action`.
    unsafe { libc::sigaction(number, ptr::null(), &raw mut action) };
    action.sa_sigaction == libc::SIG_DFL
}

fn watch(number: c_int) {
    // SAFETY: a structure of numbers and pointers, for which zeros are valid.
    let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
    action.sa_sigaction = on_signal as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: `on_signal` has the form that SA_SIGINFO asks for, and calls only what a signal
    // handler may.
    unsafe { libc::sigaction(number, &raw const action, ptr::null_mut()) };
}

extern "C" fn on_signal(number: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the call has no argument.
    let thread = i32::try_from(unsafe { libc::syscall(libc::SYS_gettid) }).unwrap_or(-1);
    match REPORTER.compare_exchange(0, thread, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) if is_watched() => report(&cause(number, info, context), locate()),
        Ok(_) => {}
        // The report itself has failed: the process ends without.
        Err(reporter) if reporter == thread => {}
        // Another thread is about to end the process.
        Err(_) => loop {
            // SAFETY: the call has no argument.
            unsafe { libc::pause() };
        },
    }
    // The signal's own way: it is blocked now, and delivered again when this returns.
    // SAFETY: the default needs nothing.
    unsafe { libc::signal(number, libc::SIG_DFL) };
    // SAFETY: the call has no pointer.
    unsafe { libc::raise(number) };
}

fn locate() -> Option<Locate> {
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
    let register = |index: c_int| {
        let value = usize::try_from(index).ok().and_then(|index| {
            context.uc_mcontext.gregs.get(index).map(|value| value.cast_unsigned())
        });
        usize::try_from(value.unwrap_or(0)).unwrap_or(0)
    };
    let instruction = register(libc::REG_RIP);
    let stack_pointer = register(libc::REG_RSP);
    let is_fault = info.si_code > 0 && number != libc::SIGABRT;
    // SAFETY: a fault has an address.
    let address = is_fault.then(|| unsafe { info.si_addr() }.addr());
    let stack_overflow = number == libc::SIGSEGV
        && address.is_some_and(|address| address.abs_diff(stack_pointer) < NEAR);
    Cause::Signal { number, address, instruction, stack_overflow }
}

/// Reports an `exit` of the handler's.
pub fn report_exit(code: c_int) {
    if is_watched() {
        report(&Cause::Exit { code }, None);
    }
}

/// Has an `abort` of the handler's reported, which can come before the other signals are watched.
pub fn expect_abort() {
    watch(libc::SIGABRT);
}

/// Whether this is the process that reports: a child that was forked does not.
pub fn is_watched() -> bool {
    process() == PROCESS.load(Ordering::Relaxed)
}

fn process() -> c_int {
    // SAFETY: the call has no argument.
    unsafe { libc::getpid() }
}
