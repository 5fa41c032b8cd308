//! How a handler failed, in the three texts that Lambda knows: type, message, stack trace.

use std::any::Any;
use std::any::type_name;
use std::backtrace::Backtrace;
use std::backtrace::BacktraceStatus;
use std::cell::RefCell;
use std::fmt::Display;
use std::panic;
use std::panic::PanicHookInfo;

use pilotlight_abi as abi;

use crate::runtime;

/// The level of a panic's record, an index of [`abi::LOG_LEVELS`].
const ERROR: u32 = 4;

/// A failure on its way to the caller.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// `errorType`.
    pub error_type: String,
    /// `errorMessage`.
    pub message: String,
    /// `stackTrace`: lines, each ended by a line feed.
    pub stack_trace: String,
}

impl Failure {
    /// The event does not have the type that the handler takes.
    pub fn invalid_event(handler_takes: &str, error: &serde_json::Error) -> Failure {
        let message = format!("the event is not a {}: {error}", short_name(handler_takes));
        Failure { error_type: "InvalidEvent".into(), message, stack_trace: String::new() }
    }

    /// The response cannot be written as JSON.
    pub fn invalid_response(error: &serde_json::Error) -> Failure {
        let message = format!("the response cannot be written as JSON: {error}");
        Failure { error_type: "InvalidResponse".into(), message, stack_trace: String::new() }
    }

    /// The handler returned an error. The alternate form is what error libraries show with all
    /// causes, in one line.
    pub fn returned<E: Display>(error: &E) -> Failure {
        let error_type = error_type(type_name::<E>()).into();
        Failure { error_type, message: format!("{error:#}"), stack_trace: String::new() }
    }

    /// The handler panicked on this thread, and `payload` is what unwinding brought.
    pub fn panicked(payload: &(dyn Any + Send)) -> Failure {
        let text = text(payload);
        let seen = LAST_PANIC.take();
        let (message, stack_trace) = match seen {
            Some(seen) => (format!("panicked at {}: {text}", seen.place), seen.stack_trace),
            None => (format!("panicked: {text}"), String::new()),
        };
        Failure { error_type: "Panic".into(), message, stack_trace }
    }
}

/// The last panic of a thread, as its hook saw it.
struct SeenPanic {
    place: String,
    stack_trace: String,
}

thread_local! {
    static LAST_PANIC: RefCell<Option<SeenPanic>> = const { RefCell::new(None) };
}

/// Has every panic remembered with its place (and, with `RUST_BACKTRACE`, its frames), and logged: by
/// the hook that was there before, or in a log of JSON as one of its records.
pub fn observe_panics() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let seen = see(info);
        match runtime::attached().filter(|runtime| runtime.log_format == abi::LOG_JSON) {
            Some(runtime) => log_panic(runtime, &seen, text(info.payload())),
            None => before(info),
        }
        LAST_PANIC.set(Some(seen));
    }));
}

fn log_panic(runtime: &abi::Runtime, seen: &SeenPanic, text: &str) {
    let SeenPanic { place, stack_trace } = seen;
    let frames = if stack_trace.trim_end() == place { "" } else { stack_trace };
    let message = format!("panicked at {place}: {text}\n{frames}");
    runtime::log(runtime, ERROR, "panic", message.trim_end());
}

/// What a panic was called with.
fn text(payload: &(dyn Any + Send)) -> &str {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text.as_str(),
        (None, None) => "a value that is not text",
    }
}

fn see(info: &PanicHookInfo) -> SeenPanic {
    let place = info.location().map_or_else(|| "an unknown place".into(), ToString::to_string);
    let backtrace = Backtrace::capture();
    let stack_trace = match backtrace.status() {
        BacktraceStatus::Captured => backtrace.to_string(),
        _ => format!("{place}\n"),
    };
    SeenPanic { place, stack_trace }
}

/// What callers see as an error's type: an own type's name; `Error` for texts and boxes, whose
/// names say nothing.
fn error_type(name: &str) -> &str {
    if name.contains(['&', '<']) {
        return "Error";
    }
    match short_name(name) {
        "String" | "str" => "Error",
        short => short,
    }
}

/// A type's name without its path and parameters.
fn short_name(name: &str) -> &str {
    let name = name.split('<').next().unwrap_or(name);
    name.rsplit("::").next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;
    use std::fmt;

    #[derive(Debug)]
    struct OutOfTea;

    impl Display for OutOfTea {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no tea")
        }
    }

    impl Error for OutOfTea {}

    #[test]
    fn own_types_keep_their_names_and_texts_are_errors() {
        let own = Failure::returned(&OutOfTea);
        assert_eq!((own.error_type.as_str(), own.message.as_str()), ("OutOfTea", "no tea"));
        let boxed: Box<dyn Error + Send + Sync> = OutOfTea.into();
        assert_eq!(Failure::returned(&boxed).error_type, "Error");
        assert_eq!(Failure::returned(&String::from("x")).error_type, "Error");
        assert_eq!(Failure::returned(&"x").error_type, "Error");
        assert_eq!(error_type("anyhow::Error"), "Error");
        assert_eq!(error_type("shop::errors::OutOfTea"), "OutOfTea");
    }

    #[test]
    fn a_panic_carries_its_message_and_its_place() {
        observe_panics();
        let payload = panic::catch_unwind(|| panic!("no {}", "tea")).expect_err("a panic");
        let failure = Failure::panicked(&*payload);
        assert_eq!(failure.error_type, "Panic");
        let start = "panicked at sdk/src/failure.rs:";
        assert!(failure.message.starts_with(start), "{}", failure.message);
        assert!(failure.message.ends_with(": no tea"), "{}", failure.message);
        assert_ne!(failure.stack_trace, "");
    }
}
