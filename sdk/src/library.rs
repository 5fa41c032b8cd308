//! The Rust side of the ABI: the only file that calls handlers and fills in outcomes.

use std::any::Any;
use std::ffi::c_char;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::ptr;

use pilotlight_abi as abi;

use crate::After;
use crate::Context;
use crate::FromEvent;
use crate::Handle;
use crate::HandlerError;
use crate::IntoResponse;
use crate::Setup;
use crate::config;
use crate::conversion::Conversion;
use crate::describe::Describe;
use crate::describe::ErrorOf;
use crate::failure::Failure;
use crate::handle::EventForm;
#[cfg(feature = "tracing")]
use crate::invocation_span;
use crate::panics;
use crate::response::Response;
use crate::response::release;
use crate::runtime;

/// A handler with the functions of its [`Handle`], for invocations that live for `'a`. The compiler
/// resolves the trait once, so it reports a mistake once.
#[derive(Debug)]
pub struct Bound<'a, H, E, R, Err> {
    handler: H,
    handle: fn(&H, E, &'a Context) -> Result<R, Err>,
    prepare: fn() -> Result<(), Failure>,
    /// Bounds `'a` by a borrow: the type of `handle` alone would allow a longer lifetime.
    scope: PhantomData<&'a ()>,
}

impl<'a, H, E, R, Err> Bound<'a, H, E, R, Err> {
    /// Resolves the handler's trait. `_scope` lives no longer than the caller's frame, so that no
    /// handler can demand a longer lifetime.
    pub fn new<Form>(handler: H, _scope: &'a ()) -> Bound<'a, H, E, R, Err>
    where
        H: Handle<'a, Form, Event = E, Response = R, Error = Err>,
    {
        Bound { handler, handle: H::handle, prepare: H::prepare, scope: PhantomData }
    }

    /// The type of the handler's error.
    pub fn error(&self) -> ErrorOf<Err> {
        ErrorOf::new()
    }

    /// Calls the handler, perhaps on several threads at once, so its type must be `Sync`. If
    /// `invocation` is null, only prepares its calls, for `initialise`.
    ///
    /// # Safety
    /// `invocation` is null, or the runtime keeps the ABI's promises: both pointers are valid, and
    /// the bytes that the invocation borrows live until the outcome is released.
    pub unsafe fn call<Form, By>(
        self,
        invocation: *const abi::Invocation,
        outcome: *mut abi::Outcome,
        conversion: Conversion<Err, By>,
    ) -> i32
    where
        H: Sync,
        E: FromEvent<'a, Form>,
        Form: EventForm,
        R: IntoResponse<Form>,
        Err: HandlerError<By>,
    {
        if invocation.is_null() {
            // SAFETY: the function's own contract.
            return unsafe { report(catch(self.prepare), outcome) };
        }
        // SAFETY: the function's own contract.
        let context: &'a Context = unsafe { Context::borrow(invocation) };
        config::set_deadline(context.deadline_ms());
        let result = catch(|| {
            #[cfg(feature = "tracing")]
            let _span = invocation_span::enter(context);
            let (event, origin) = E::from_event(context)?;
            let result = (self.handle)(&self.handler, event, context);
            result.map_err(|error| conversion.convert(error))?.into_response(origin)
        });
        let (filled, code) = match result {
            Ok(response) => (respond(response), abi::RESPONSE),
            Err(failure) => fail(failure),
        };
        // SAFETY: the function's own contract.
        unsafe { outcome.write(filled) };
        code
    }
}

/// A function for `init`, a snapshot's hook or `shutdown`, with the function of its [`Setup`], like
/// [`Bound`].
#[derive(Debug)]
pub struct BoundSetup<S, Err> {
    setup: S,
    set_up: fn(S) -> Result<(), Err>,
}

impl<S, Err> BoundSetup<S, Err> {
    /// Resolves the function's trait.
    pub fn new<Form>(setup: S) -> BoundSetup<S, Err>
    where
        S: Setup<Form, Error = Err>,
    {
        BoundSetup { setup, set_up: S::set_up }
    }

    /// The type of the function's error.
    pub fn error(&self) -> ErrorOf<Err> {
        ErrorOf::new()
    }

    /// Initialises the library: installs the panic hook, runs the function, and prepares the
    /// handlers' calls.
    ///
    /// # Safety
    /// The runtime keeps the ABI's promise: `outcome` is valid. Each of `handlers` calls
    /// [`Bound::call`].
    pub unsafe fn initialise(
        self,
        outcome: *mut abi::Outcome,
        describe: Describe<Err>,
        handlers: &[abi::Handler],
    ) -> i32
    where
        Err: HandlerError,
    {
        panics::install_hook();
        // SAFETY: the function's own contract.
        let mut code = unsafe { self.run_with(outcome, describe) };
        // After the function, which may have set another logger or subscriber.
        #[cfg(feature = "log")]
        crate::logger::install();
        #[cfg(feature = "tracing")]
        crate::subscriber::install();
        for call in handlers.iter().filter_map(|handler| handler.call) {
            if code == abi::RESPONSE {
                // SAFETY: the function's own contract; there is no invocation.
                code = unsafe { call(ptr::null(), outcome) };
            }
        }
        code
    }

    /// Runs the function, for the hooks whose failure the runtime reports.
    ///
    /// # Safety
    /// The runtime keeps the ABI's promise: `outcome` is valid.
    pub unsafe fn run_with(self, outcome: *mut abi::Outcome, describe: Describe<Err>) -> i32
    where
        Err: HandlerError,
    {
        // SAFETY: the function's own contract.
        unsafe { report(self.run(describe), outcome) }
    }

    /// Runs the shutdown hook. Its error goes to the log, as a panic does.
    pub fn shut_down(self, describe: Describe<Err>)
    where
        Err: HandlerError,
    {
        log_failure(self.run(describe));
    }

    fn run(self, describe: Describe<Err>) -> Result<(), Failure> {
        catch(|| (self.set_up)(self.setup).map_err(|error| describe(&error)))
    }
}

/// A function for `after` with the function of its [`After`], like [`Bound`].
#[derive(Debug)]
pub struct BoundAfter<'a, S, Err> {
    after: S,
    run: fn(S, &'a Context) -> Result<(), Err>,
}

impl<'a, S, Err> BoundAfter<'a, S, Err> {
    /// Resolves the function's trait, like [`Bound::new`].
    pub fn new<Form>(after: S, _scope: &'a ()) -> BoundAfter<'a, S, Err>
    where
        S: After<'a, Form, Error = Err>,
    {
        BoundAfter { after, run: S::run }
    }

    /// The type of the function's error.
    pub fn error(&self) -> ErrorOf<Err> {
        ErrorOf::new()
    }

    /// Runs the function after an invocation. Its error goes to the log, as a panic does.
    ///
    /// # Safety
    /// The runtime keeps the ABI's promises: `invocation` is valid, and the bytes that it borrows
    /// live until this returns.
    pub unsafe fn run(self, invocation: *const abi::Invocation, describe: Describe<Err>)
    where
        Err: HandlerError,
    {
        // SAFETY: the function's own contract.
        let context: &'a Context = unsafe { Context::borrow(invocation) };
        #[cfg(feature = "tracing")]
        let _in_flight = invocation_span::InFlight::of(context);
        let BoundAfter { after, run } = self;
        log_failure(catch(|| run(after, context).map_err(|error| describe(&error))));
    }
}

/// Logs a hook's failure that no caller gets.
fn log_failure(result: Result<(), Failure>) {
    if let (Err(failure), Some(runtime)) = (result, runtime::attached())
        && !failure.is_logged
    {
        failure.log(runtime);
    }
}

/// Runs the handler's code and catches its panic. `AssertUnwindSafe` is right: after a panic, only
/// the handler's statics are still reachable, and they must be panic-safe for its own threads
/// anyway.
fn catch<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let result = catch_unwind(AssertUnwindSafe(work));
    result.unwrap_or_else(|payload: Box<dyn Any + Send>| Err(panics::failure(&*payload)))
}

/// Writes a failure to `outcome`, and returns the code of the result.
///
/// # Safety
/// `outcome` is valid.
unsafe fn report(result: Result<(), Failure>, outcome: *mut abi::Outcome) -> i32 {
    let Err(failure) = result else {
        return abi::RESPONSE;
    };
    let (filled, code) = fail(failure);
    // SAFETY: the function's own contract.
    unsafe { outcome.write(filled) };
    code
}

fn respond(response: Response) -> abi::Outcome {
    abi::Outcome {
        response: response.bytes,
        owner: response.owner,
        release: Some(response.release),
        ..abi::Outcome::EMPTY
    }
}

fn fail(failure: Failure) -> (abi::Outcome, i32) {
    let code = if failure.is_logged { abi::LOGGED_FAILURE } else { abi::FAILURE };
    let failure = Box::new(failure);
    let outcome = abi::Outcome {
        error_type: abi::Bytes::of(failure.error_type.as_bytes()),
        error_message: abi::Bytes::of(failure.message.as_bytes()),
        stack_trace: abi::Bytes::of(failure.stack_trace.as_bytes()),
        release: Some(release::<Failure>),
        owner: Box::into_raw(failure).cast(),
        ..abi::Outcome::EMPTY
    };
    (outcome, code)
}

/// The name of the handler with this path: the last segment. The path ends with NUL.
pub const fn name(path: &'static str) -> *const c_char {
    last_segment(path).as_ptr().cast()
}

/// Refuses handlers with the same name, at compile time.
pub const fn check_names(paths: &[&'static str]) {
    let mut index = 0;
    while index < paths.len() {
        let mut other = index + 1;
        while other < paths.len() {
            assert!(
                !equal(last_segment(paths[index]), last_segment(paths[other])),
                "two handlers have the same name, which is the last segment of a handler's path"
            );
            other += 1;
        }
        index += 1;
    }
}

const fn last_segment(path: &str) -> &[u8] {
    let bytes = path.as_bytes();
    let mut start = bytes.len();
    // In a path that comes out of a macro, spaces surround the colons.
    while start > 0 && !matches!(bytes[start - 1], b':' | b' ') {
        start -= 1;
        assert!(bytes[start] != b'<', "a handler is named without its type parameters");
    }
    bytes.split_at(start).1
}

const fn equal(one: &[u8], other: &[u8]) -> bool {
    let mut index = 0;
    while index < one.len() && index < other.len() && one[index] == other[index] {
        index += 1;
    }
    index == one.len() && index == other.len()
}
