//! Panics, recorded by a hook, because the payload that unwinding carries has no location.

use std::any::Any;
use std::backtrace::Backtrace;
use std::backtrace::BacktraceStatus;
use std::cell::RefCell;
use std::panic;
use std::panic::PanicHookInfo;

use pilotlight_abi as abi;

use crate::failure::Failure;
use crate::runtime;

/// A panic's `errorType`.
const ERROR_TYPE: &str = "Panic";

/// The messages of the panics of `core` that abort the process even if panics unwind.
///
/// Source: `core::panicking`, `panic_cannot_unwind` and `panic_in_cleanup`.
const ABORT_MESSAGES: [&str; 2] =
    ["panic in a function that cannot unwind", "panic in a destructor during cleanup"];

/// A panic as the hook recorded it.
struct Panic {
    text: String,
    location: String,
    /// The backtrace in lines, if `RUST_BACKTRACE` is set; otherwise empty.
    frames: String,
    is_logged: bool,
}

thread_local! {
    static LAST_PANIC: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// Installs a hook that records every panic of a thread and reports it to the runtime. Without a
/// runtime, the previous hook prints it.
pub fn install_hook() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let mut panic = Panic::capture(info);
        match runtime::attached() {
            Some(runtime) => panic.report(runtime),
            None => previous(info),
        }
        // A thread that is ending may have no thread-locals left.
        let _ = LAST_PANIC.try_with(|last| last.replace(Some(panic)));
    }));
}

/// The failure of an invocation that panicked on this thread, by the `payload` of its unwinding.
pub fn failure(payload: &(dyn Any + Send)) -> Failure {
    let text = text(payload);
    // A panic that was resumed here from another thread did not call the hook on this one.
    match LAST_PANIC.take().filter(|panic| panic.text == text) {
        Some(panic) => Failure {
            is_logged: panic.is_logged,
            stack_trace: panic.stack_trace(),
            ..Failure::returned(ERROR_TYPE.into(), panic.message())
        },
        None => Failure::returned(ERROR_TYPE.into(), format!("panicked: {text}")),
    }
}

impl Panic {
    fn capture(info: &PanicHookInfo) -> Panic {
        let location =
            info.location().map_or_else(|| "an unknown location".into(), ToString::to_string);
        let backtrace = Backtrace::capture();
        let frames = match backtrace.status() {
            BacktraceStatus::Captured => backtrace.to_string(),
            _ => String::new(),
        };
        Panic { text: text(info.payload()).into(), location, frames, is_logged: false }
    }

    fn message(&self) -> String {
        format!("panicked at {}: {}", self.location, self.text)
    }

    fn stack_trace(&self) -> String {
        if self.frames.is_empty() { format!("{}\n", self.location) } else { self.frames.clone() }
    }

    /// Logs the panic. If it aborts the process, it goes into the runtime's report instead, which
    /// has no space for frames; the log then gets a record only if there are frames.
    fn report(&mut self, runtime: &abi::Runtime) {
        let is_abort = ABORT_MESSAGES.contains(&self.text.as_str());
        if is_abort || cfg!(panic = "abort") {
            let cause = LAST_PANIC.try_with(RefCell::take).ok().flatten().filter(|_| is_abort);
            let cause = cause.map(|cause| cause.message() + "; ").unwrap_or_default();
            runtime::last_words(runtime, cause + &self.message());
            if self.frames.is_empty() {
                return;
            }
        }
        runtime::log_error(runtime, ERROR_TYPE, &self.message(), &self.frames);
        self.is_logged = true;
    }
}

/// The message of a panic.
fn text(payload: &(dyn Any + Send)) -> &str {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text.as_str(),
        (None, None) => "a value that is not text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_carries_its_message_and_its_location() {
        install_hook();
        let payload = panic::catch_unwind(|| panic!("no {}", "tea")).expect_err("a panic");
        let failure = failure(&*payload);
        assert_eq!(failure.error_type, "Panic");
        let start = "panicked at sdk/src/panics.rs:";
        assert!(failure.message.starts_with(start), "{}", failure.message);
        assert!(failure.message.ends_with(": no tea"), "{}", failure.message);
        // Either the location alone or, if RUST_BACKTRACE is set, the frames.
        assert!(failure.stack_trace.contains("src/panics.rs:"), "{}", failure.stack_trace);
        assert!(!failure.is_logged, "there is no log");
    }

    #[test]
    fn a_panic_of_another_thread_is_not_taken_for_an_earlier_one() {
        install_hook();
        let _ = panic::catch_unwind(|| panic!("caught before"));
        let payload = std::thread::spawn(|| panic!("no tea")).join().expect_err("a panic");
        assert_eq!(failure(&*payload).message, "panicked: no tea");
    }
}
