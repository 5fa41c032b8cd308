//! Reads the environment of the process, once, at its start; no other file does. The only variable
//! that is written is the invocation's trace id.
//!
//! Source of the names: "Using Lambda environment variables" in AWS's documentation.

use core::cell::UnsafeCell;
use core::ffi::CStr;
use core::ffi::c_char;
use core::ffi::c_int;
use core::ptr;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering;

use pilotlight_host::integer;

/// The settings that Lambda passes to a runtime. Values live as long as the process.
#[derive(Debug)]
pub struct Environment {
    /// `AWS_LAMBDA_RUNTIME_API`: `[http://]host[:port][/base]`.
    pub runtime_api: Option<&'static [u8]>,
    /// `_HANDLER`: `<file>` or `<file>.<name>`.
    pub handler: Option<&'static [u8]>,
    /// `LAMBDA_TASK_ROOT`: the folder of the function's package.
    pub task_root: Option<&'static [u8]>,
    /// `AWS_LAMBDA_FUNCTION_NAME`.
    pub function_name: Option<&'static [u8]>,
    /// `AWS_LAMBDA_FUNCTION_VERSION`.
    pub function_version: Option<&'static [u8]>,
    /// `AWS_LAMBDA_FUNCTION_MEMORY_SIZE` in MB.
    pub memory_size_mb: Option<u64>,
    /// `AWS_LAMBDA_MAX_CONCURRENCY`: the number of invocations that may run at once.
    pub max_concurrency: Option<&'static [u8]>,
    /// `AWS_LAMBDA_LOG_FORMAT`: `JSON` or `Text`, in any case.
    pub log_format: Option<&'static [u8]>,
    /// `AWS_LAMBDA_LOG_LEVEL`: `TRACE` to `FATAL`, in any case.
    pub log_level: Option<&'static [u8]>,
    /// `PILOTLIGHT_SHUTDOWN`: `1` turns on a graceful shutdown even if the library has no hook, `0`
    /// turns it off.
    pub shutdown: Option<&'static [u8]>,
    /// `AWS_LAMBDA_INITIALIZATION_TYPE`: `on-demand`, `provisioned-concurrency`, ….
    pub initialization_type: Option<&'static [u8]>,
    /// `PILOTLIGHT_WARM…`.
    pub warming: WarmingVariables,
    /// `PILOTLIGHT_CONFIG`: configuration values and their sources.
    pub config: Option<&'static [u8]>,
    /// The arguments of the process, for constructors.
    pub arguments: Arguments,
}

// SAFETY: the kernel put the strings on the stack, where they stay, and they are only read.
unsafe impl Sync for Arguments {}
// SAFETY: as above.
unsafe impl Send for Arguments {}

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

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// An environment without variables.
pub const EMPTY: Environment = Environment {
    runtime_api: None,
    handler: None,
    task_root: None,
    function_name: None,
    function_version: None,
    memory_size_mb: None,
    max_concurrency: None,
    log_format: None,
    log_level: None,
    shutdown: None,
    initialization_type: None,
    warming: WarmingVariables::EMPTY,
    config: None,
    arguments: Arguments {
        argc: 0,
        argv: core::ptr::null(),
        envp: core::ptr::null(),
        variables: core::ptr::null(),
        variable_count: 0,
    },
};

/// The name of the trace id's variable, with NUL.
const TRACE_NAME: &[u8] = b"_X_AMZN_TRACE_ID\0";

impl Environment {
    /// Reads the environment. Called once, at the start of `main`.
    pub fn read(argc: c_int, argv: *const *const c_char) -> Environment {
        // SAFETY: libc set it before `main`, and there is one thread.
        let envp = unsafe { environ };
        // SAFETY: the list has at least one entry, which may be null.
        let variables = unsafe { *envp };
        let arguments = Arguments { argc, argv, envp, variables, variable_count: 0 };
        let mut environment = Environment { arguments, ..EMPTY };
        let mut entry = envp;
        loop {
            // SAFETY: the list ends with null, and `entry` has not passed it.
            let text = unsafe { *entry };
            if text.is_null() {
                return environment;
            }
            entry = entry.wrapping_add(1);
            environment.arguments.variable_count += 1;
            environment.take(Variable(text));
        }
    }

    fn take(&mut self, entry: Variable) {
        let (known, rest) = match entry.strip("AWS_LAMBDA_") {
            Some(rest) => (&LAMBDA_VARIABLES[..], rest),
            None => (&VARIABLES[..], entry),
        };
        for (name, set) in known {
            if let Some(value) = rest.strip(name).and_then(|rest| rest.strip("=")) {
                return set(self, value.bytes());
            }
        }
        if let Some(rest) = entry.strip("PILOTLIGHT_WARM") {
            let mut parts = rest.bytes().splitn(2, |&byte| byte == b'=');
            if let (Some(name), Some(value)) = (parts.next(), parts.next()) {
                self.warming.set(name, value);
            }
        }
    }
}

/// A variable of the environment, or the rest of one: a C string that the kernel put on the stack,
/// where it stays. It is read no further than necessary: most variables are not ours, and session
/// tokens are long.
#[derive(Clone, Copy)]
struct Variable(*const c_char);

impl Variable {
    /// The rest after `prefix`; None if it does not begin with it.
    fn strip(self, prefix: &str) -> Option<Variable> {
        let mut at = self.0;
        for &byte in prefix.as_bytes() {
            // SAFETY: all bytes before this one equal `prefix`, so none is NUL and the string
            // continues.
            if unsafe { *at }.cast_unsigned() != byte {
                return None;
            }
            at = at.wrapping_add(1);
        }
        Some(Variable(at))
    }

    fn bytes(self) -> &'static [u8] {
        // SAFETY: the string ends with NUL and never changes.
        let text: &'static CStr = unsafe { CStr::from_ptr(self.0) };
        text.to_bytes()
    }
}

/// A variable that configures warming pings; docs/warming.md explains them.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum WarmingVariable {
    Switch,
    Flag,
    Concurrency,
    Target,
    Test,
    Log,
    Delay,
    Path,
    Rules,
}

/// The variables' names after `PILOTLIGHT_WARM`, in the same order. (The module `services` reads
/// those that limit which functions a ping may invoke.)
const WARMING_NAMES: [&str; 9] =
    ["", "_FLAG", "_CONCURRENCY", "_TARGET", "_TEST", "_LOG", "_DELAY", "_PATH", "_RULES"];

/// The values of these variables.
#[derive(Clone, Copy, Debug)]
pub struct WarmingVariables([Option<&'static [u8]>; WARMING_NAMES.len()]);

impl WarmingVariables {
    /// No variable is set.
    pub const EMPTY: WarmingVariables = WarmingVariables([None; WARMING_NAMES.len()]);

    /// The trimmed value of a variable; None if it is unset or blank.
    pub fn get(&self, variable: WarmingVariable) -> Option<&'static [u8]> {
        let value = (*self.0.get(variable as usize)?)?.trim_ascii();
        (!value.is_empty()).then_some(value)
    }

    /// Sets the variable whose name after `PILOTLIGHT_WARM` is `name`, if there is one.
    pub fn set(&mut self, name: &[u8], value: &'static [u8]) {
        for (known, slot) in WARMING_NAMES.iter().zip(&mut self.0) {
            if known.as_bytes() == name {
                *slot = Some(value);
            }
        }
    }
}

type Set = fn(&mut Environment, &'static [u8]);

/// The variables that begin with `AWS_LAMBDA_`, without that prefix. (A table, because a `match` on
/// strings compiles to ten times the code.)
const LAMBDA_VARIABLES: [(&str, Set); 8] = [
    ("RUNTIME_API", |environment, value| environment.runtime_api = Some(value)),
    ("FUNCTION_NAME", |environment, value| environment.function_name = Some(value)),
    ("INITIALIZATION_TYPE", |environment, value| environment.initialization_type = Some(value)),
    ("FUNCTION_VERSION", |environment, value| environment.function_version = Some(value)),
    ("FUNCTION_MEMORY_SIZE", |environment, value| {
        environment.memory_size_mb = integer::parse_decimal(value).map(|size| size as u64);
    }),
    ("MAX_CONCURRENCY", |environment, value| environment.max_concurrency = Some(value)),
    ("LOG_FORMAT", |environment, value| environment.log_format = Some(value)),
    ("LOG_LEVEL", |environment, value| environment.log_level = Some(value)),
];

const VARIABLES: [(&str, Set); 4] = [
    ("_HANDLER", |environment, value| environment.handler = Some(value)),
    ("LAMBDA_TASK_ROOT", |environment, value| environment.task_root = Some(value)),
    ("PILOTLIGHT_SHUTDOWN", |environment, value| environment.shutdown = Some(value)),
    ("PILOTLIGHT_CONFIG", |environment, value| environment.config = Some(value)),
];

/// The number of trace ids that are kept: a string stays unchanged for this many invocations.
const TRACE_SLOTS: usize = 32;
/// The size of a slot, in bytes: ids have about 100.
const TRACE_SLOT_SIZE: usize = 512;

/// The strings of recent trace ids. The last byte of each slot is always 0.
struct Traces(UnsafeCell<[[u8; TRACE_SLOT_SIZE]; TRACE_SLOTS]>);

// SAFETY: one thread writes, and only to the string published [`TRACE_SLOTS`] invocations ago.
unsafe impl Sync for Traces {}

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
/// unchanged for [`TRACE_SLOTS`] invocations and is never freed; a slower reader gets a mixture of
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_taken_and_others_left() {
        let mut environment = EMPTY;
        let mut take = |text: &'static CStr| environment.take(Variable(text.as_ptr()));
        take(c"_HANDLER=hello.greet=x");
        take(c"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128");
        take(c"AWS_LAMBDA_FUNCTION_MEMORY_SIZES=256");
        take(c"AWS_LAMBDA_");
        take(c"LAMBDA_TASK_ROOT");
        take(c"X_HANDLER=other");
        take(c"RUNTIME_API=other");
        take(c"PILOTLIGHT_WARM=0");
        take(c"PILOTLIGHT_WARM_FLAG=a=b");
        take(c"PILOTLIGHT_WARM_LOG");
        assert_eq!(environment.handler, Some(&b"hello.greet=x"[..]));
        assert_eq!(environment.memory_size_mb, Some(128));
        assert_eq!((environment.task_root, environment.runtime_api), (None, None));
        let warming = environment.warming;
        assert_eq!(warming.get(WarmingVariable::Switch), Some(&b"0"[..]));
        assert_eq!(warming.get(WarmingVariable::Flag), Some(&b"a=b"[..]));
        assert_eq!(warming.get(WarmingVariable::Log), None);
    }
}
