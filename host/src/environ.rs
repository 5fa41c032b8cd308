//! The arguments and the environment that the process was started with, and the one variable that
//! the runtime writes. No other file reads or writes the environment.

use core::cell::UnsafeCell;
use core::ffi::CStr;
use core::ffi::c_char;
use core::ffi::c_int;
use core::ptr;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering;

/// `argc`, `argv` and `envp`.
#[derive(Clone, Copy, Debug)]
pub struct Arguments {
    /// The number of arguments.
    pub argc: c_int,
    /// The arguments, ended by null.
    pub argv: *const *const c_char,
    /// The environment, ended by null. The handler's `setenv` writes to it.
    pub envp: *const *const c_char,
    /// The strings of the initial environment, each ended by NUL. The kernel puts them one after
    /// another, so they can be read even if the list has changed.
    pub variables: *const c_char,
    /// The number of those strings.
    pub variable_count: usize,
}

// SAFETY: the kernel put the strings on the stack, where they stay, and they are only read.
unsafe impl Sync for Arguments {}
// SAFETY: as above.
unsafe impl Send for Arguments {}

unsafe extern "C" {
    static environ: *const *const c_char;
}

impl Arguments {
    /// No arguments, and an empty environment.
    pub const NONE: Arguments = Arguments {
        argc: 0,
        argv: ptr::null(),
        envp: ptr::null(),
        variables: ptr::null(),
        variable_count: 0,
    };

    /// Takes the arguments of `main`, and passes each variable of the environment to `found`. Call
    /// it at the start of `main`, before any other code can change the environment.
    pub fn read(
        argc: c_int,
        argv: *const *const c_char,
        mut found: impl FnMut(Variable),
    ) -> Arguments {
        // SAFETY: libc set it before `main`, and there is one thread.
        let envp = unsafe { environ };
        // SAFETY: the list has at least one entry, which may be null.
        let variables = unsafe { *envp };
        let mut arguments = Arguments { argc, argv, envp, variables, variable_count: 0 };
        let mut entry = envp;
        loop {
            // SAFETY: the list ends with null, and `entry` has not passed it.
            let text = unsafe { *entry };
            if text.is_null() {
                return arguments;
            }
            entry = entry.wrapping_add(1);
            arguments.variable_count += 1;
            found(Variable(text));
        }
    }
}

/// A variable of the environment, or the rest of one: a C string that the kernel put on the stack,
/// where it stays. It is read no further than necessary: most variables are not the runtime's, and
/// session tokens are long.
#[derive(Clone, Copy, Debug)]
pub struct Variable(*const c_char);

impl Variable {
    /// The rest after `prefix`; None if it does not begin with it.
    pub fn strip(self, prefix: &str) -> Option<Variable> {
        // As `u8`, because `c_char` is signed on some CPUs only.
        let mut at = self.0.cast::<u8>();
        for &byte in prefix.as_bytes() {
            // SAFETY: all bytes before this one equal `prefix` and are not NUL, so the string
            // continues.
            if byte == 0 || unsafe { *at } != byte {
                return None;
            }
            at = at.wrapping_add(1);
        }
        Some(Variable(at.cast()))
    }

    /// The string.
    pub fn bytes(self) -> &'static [u8] {
        // SAFETY: the string ends with NUL and never changes.
        let text: &'static CStr = unsafe { CStr::from_ptr(self.0) };
        text.to_bytes()
    }
}

impl From<&'static CStr> for Variable {
    fn from(text: &'static CStr) -> Variable {
        Variable(text.as_ptr())
    }
}

/// The name of the trace id's variable, with NUL.
const TRACE_NAME: &[u8] = b"_X_AMZN_TRACE_ID\0";
/// The number of trace ids that are kept: a string stays unchanged for this many invocations.
const TRACE_SLOTS: usize = 32;
/// The size of a slot, in bytes: ids have about 100.
const TRACE_SLOT_SIZE: usize = 512;

/// The strings of recent trace ids. The last byte of each slot is always 0.
struct Traces(UnsafeCell<[[u8; TRACE_SLOT_SIZE]; TRACE_SLOTS]>);

// SAFETY: one thread writes, and only to the string published [`TRACE_SLOTS`] invocations ago.
unsafe impl Sync for Traces {}

// Off the page of the variables of the start (layout.ld).
#[unsafe(link_section = ".bss.large")]
static TRACE_STRINGS: Traces = Traces(UnsafeCell::new([[0; TRACE_SLOT_SIZE]; TRACE_SLOTS]));
static TRACE_COUNT: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" {
    /// In the executable, a `putenv` that frees nothing (libc/variables.c).
    #[cfg_attr(feature = "static", link_name = "pilotlight_put_variable")]
    fn putenv(text: *const c_char) -> c_int;
}

/// Sets `_X_AMZN_TRACE_ID`, which X-Ray's SDKs read, or unsets it: a stale id would link this
/// invocation to another's trace. An id of more than 490 bytes is only in the invocation. Called
/// only if there is one worker.
///
/// The handler may read the variable on another thread. The string that it has found stays
/// unchanged for `TRACE_SLOTS` invocations and is never freed; a slower reader gets a mixture of
/// two ids.
pub fn set_trace_id(trace_id: Option<&[u8]>) {
    let fits = |id: &&[u8]| id.len() < TRACE_SLOT_SIZE - TRACE_NAME.len() && !id.contains(&0);
    let Some(id) = trace_id.filter(fits) else {
        // SAFETY: a static string; without `=`, it unsets the variable.
        unsafe { putenv(TRACE_NAME.as_ptr().cast()) };
        return;
    };
    let index = TRACE_COUNT.fetch_add(1, Ordering::Relaxed) % TRACE_SLOTS;
    let string: *mut u8 =
        TRACE_STRINGS.0.get().cast::<[u8; TRACE_SLOT_SIZE]>().wrapping_add(index).cast();
    let mut at = string;
    for part in [&TRACE_NAME[..TRACE_NAME.len() - 1], b"=", id, &[0]] {
        // SAFETY: the parts fit, and only this thread writes here. A reader that is slower than the
        // documentation above allows still finds the final 0.
        unsafe { ptr::copy_nonoverlapping(part.as_ptr(), at, part.len()) };
        at = at.wrapping_add(part.len());
    }
    // SAFETY: a C string in a static.
    unsafe { putenv(string.cast()) };
}
