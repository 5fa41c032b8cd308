//! The settings that the environment of the process holds, read once, at its start.
//!
//! Source of the names: "Using Lambda environment variables" in AWS's documentation.

use alloc::string::String;
use core::ffi::c_char;
use core::ffi::c_int;

use pilotlight_host::environ::Arguments;
use pilotlight_host::environ::Variable;
use pilotlight_host::integer;
use pilotlight_host::log;

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
    /// `PILOTLIGHT_TIMEOUT_REPORT`: milliseconds before the deadline at which a running invocation
    /// is reported; `0` for never.
    pub timeout_report: Option<&'static [u8]>,
    /// `AWS_LAMBDA_INITIALIZATION_TYPE`: `on-demand`, `provisioned-concurrency`, ….
    pub initialization_type: Option<&'static [u8]>,
    /// `PILOTLIGHT_WARM…`.
    pub warming: WarmingVariables,
    /// `PILOTLIGHT_CONFIG`: configuration values and their sources.
    pub config: Option<&'static [u8]>,
    /// The arguments of the process, for constructors.
    pub arguments: Arguments,
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
    timeout_report: None,
    initialization_type: None,
    warming: WarmingVariables::EMPTY,
    config: None,
    arguments: Arguments::NONE,
};

impl Environment {
    /// Reads the environment. Called once, at the start of `main`.
    pub fn read(argc: c_int, argv: *const *const c_char) -> Environment {
        let mut environment = EMPTY;
        environment.arguments = Arguments::read(argc, argv, |variable| environment.take(variable));
        environment
    }

    /// The value of `PILOTLIGHT_TIMEOUT_REPORT`; None if it is unset or 0. A malformed one is
    /// logged and ignored.
    pub fn time_out_margin(&self) -> Option<u64> {
        let text = self.timeout_report?;
        let margin = integer::parse_decimal(text);
        if margin.is_none() {
            let text = String::from_utf8_lossy(text);
            log::warn(format_args!(
                "PILOTLIGHT_TIMEOUT_REPORT is `{text}`; expected milliseconds, or 0 for no report"
            ));
        }
        margin.filter(|&margin| margin != 0).map(|margin| margin as u64)
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

const VARIABLES: [(&str, Set); 5] = [
    ("_HANDLER", |environment, value| environment.handler = Some(value)),
    ("LAMBDA_TASK_ROOT", |environment, value| environment.task_root = Some(value)),
    ("PILOTLIGHT_SHUTDOWN", |environment, value| environment.shutdown = Some(value)),
    ("PILOTLIGHT_TIMEOUT_REPORT", |environment, value| environment.timeout_report = Some(value)),
    ("PILOTLIGHT_CONFIG", |environment, value| environment.config = Some(value)),
];

#[cfg(test)]
mod tests {
    use super::*;
    use core::ffi::CStr;

    #[test]
    fn known_names_are_taken_and_others_left() {
        let mut environment = EMPTY;
        let mut take = |text: &'static CStr| environment.take(text.into());
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
