//! The library's functions.

use std::ffi::CStr;

use lambda_runtime::Diagnostic;
use pilotlight_abi as abi;

use super::invocation::Incoming;
use super::stream::Sink;
use super::table;

/// The table that `handler!` exports.
#[derive(Clone, Copy)]
pub struct Library(&'static abi::Library);

// SAFETY: the table consists of constants and of functions that any thread may call.
unsafe impl Send for Library {}
// SAFETY: as above.
unsafe impl Sync for Library {}

impl Library {
    /// The library with this table, which `handler!` has made.
    pub fn new(table: &'static abi::Library) -> Library {
        Library(table)
    }

    /// Passes the library the runtime's functions, and runs its `init`.
    pub fn initialise(self) -> Result<(), String> {
        if let Some(attach) = self.0.attach {
            // SAFETY: the ABI's rule for `attach`: once, before `init`, and a table that lives as
            // long as the process.
            unsafe { attach(table::make()) };
        }
        self.run_hook(self.0.init)
    }

    /// The handler that `_HANDLER` names after its last dot, or the only one.
    pub fn handler(self, name: &str) -> Result<abi::Call, String> {
        let count = usize::try_from(self.0.handler_count).unwrap_or_default();
        // SAFETY: `handler!` has made the table: `handlers` points to this number of handlers.
        let handlers = unsafe { std::slice::from_raw_parts(self.0.handlers, count) };
        let wanted = name.rsplit('.').next().unwrap_or(name);
        // SAFETY: `handler!` ends each name with NUL.
        let name_of = |handler: &abi::Handler| unsafe { CStr::from_ptr(handler.name) };
        let is_wanted = |handler: &&abi::Handler| {
            handlers.len() == 1 || name_of(handler).to_bytes() == wanted.as_bytes()
        };
        handlers.iter().find(is_wanted).and_then(|handler| handler.call).ok_or_else(|| {
            let names = handlers.iter().map(|handler| name_of(handler).to_string_lossy());
            let names = names.collect::<Vec<_>>().join(", ");
            format!("_HANDLER is `{name}`; expected <file>.<name>, where <name> is one of {names}")
        })
    }

    /// Runs the function before a snapshot.
    pub fn before_snapshot(self) -> Result<(), String> {
        self.run_hook(self.0.before_snapshot)
    }

    /// Runs the function after a restore.
    pub fn after_restore(self) -> Result<(), String> {
        self.run_hook(self.0.after_restore)
    }

    /// Runs the function after an invocation.
    pub fn after(self, incoming: &Incoming) {
        if let Some(after) = self.0.after {
            let invocation = incoming.borrow(std::ptr::null_mut());
            // SAFETY: the ABI's rule for `after`: `incoming` lives until it returns.
            unsafe { after(&raw const invocation) };
        }
    }

    fn run_hook(self, hook: Option<abi::Init>) -> Result<(), String> {
        let Some(hook) = hook else {
            return Ok(());
        };
        let mut outcome = abi::Outcome::EMPTY;
        // SAFETY: the ABI's rule for `init` and the hooks of a snapshot: a zeroed outcome.
        let code = unsafe { hook(&raw mut outcome) };
        take(outcome, code).map(|_| ()).map_err(|error| {
            let Diagnostic { error_type, error_message } = error;
            format!("{error_type}: {error_message}")
        })
    }
}

/// Calls a handler and answers through `sink`.
pub fn call(handler: abi::Call, incoming: &Incoming, mut sink: Sink) {
    let mut outcome = abi::Outcome::EMPTY;
    let invocation = incoming.borrow((&raw mut sink).cast());
    // SAFETY: the ABI's rules for a handler: `incoming` and `sink` live until the outcome has been
    // released, which `take` does, and the outcome is zeroed.
    let code = unsafe { handler(&raw const invocation, &raw mut outcome) };
    sink.end(take(outcome, code));
}

/// Copies a result, releases it, and logs a failure that is not logged yet.
fn take(outcome: abi::Outcome, code: i32) -> Result<Vec<u8>, Diagnostic> {
    // SAFETY: the ABI's rule for an outcome: its bytes live until `release`.
    let bytes = |value: abi::Bytes| unsafe { value.as_slice() }.unwrap_or_default();
    let text = |value| String::from_utf8_lossy(bytes(value)).into_owned();
    let result = if code == abi::RESPONSE {
        Ok(bytes(outcome.response).to_vec())
    } else {
        if code == abi::FAILURE {
            table::log_error(outcome.error_type, outcome.error_message, outcome.stack_trace);
        }
        let error_type = Some(text(outcome.error_type)).filter(|name| !name.is_empty());
        Err(Diagnostic {
            error_type: error_type.unwrap_or_else(|| "Error".into()),
            error_message: text(outcome.error_message),
        })
    };
    if let Some(release) = outcome.release {
        // SAFETY: the ABI's rule for `release`: once, on the thread of the call.
        unsafe { release(outcome.owner) };
    }
    result
}
