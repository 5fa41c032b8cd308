//! Calls across the handler ABI: the only module that trusts the handler's library.
//!
//! The contract is at the top of `sdk/include/pilotlight.h`. The author of the library must uphold
//! it; the SDK does so for its users.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr;

use pilotlight_abi as abi;
use pilotlight_host::map::Image;
use pilotlight_host::map::Library;
use pilotlight_host::sys;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::invocation::HandlerError;
use crate::invocation::Invocation;
use crate::invocation::Outcome;
use crate::invocation::Sink;

/// A handler of a library that stays mapped.
#[derive(Clone, Copy, Debug)]
pub struct HandlerFn {
    call: abi::Call,
    flags: u32,
}

impl HandlerFn {
    /// Whether it may be called on several threads at once.
    pub fn is_concurrent(&self) -> bool {
        self.flags & abi::CONCURRENT != 0
    }

    /// Calls the handler on this thread.
    pub fn call<'a>(
        &self,
        invocation: &Invocation<'a>,
        environment: &Environment,
        warm_count: u64,
        mut response: &mut dyn Sink,
    ) -> CallResult<'a> {
        let stream = ptr::from_mut(&mut response).cast();
        let invocation = abi_invocation(invocation, environment, warm_count, stream);
        let mut outcome = abi::Outcome::EMPTY;
        // SAFETY: the ABI's rules for `call`: both pointers are valid, and the invocation borrows
        // for 'a, which the result cannot outlive.
        let code = unsafe { (self.call)(&raw const invocation, &raw mut outcome) };
        // Buffered output must be written before the environment can be frozen.
        sys::flush_streams();
        CallResult { code, outcome, borrows: PhantomData }
    }
}

fn abi_invocation(
    invocation: &Invocation,
    environment: &Environment,
    warm_count: u64,
    stream: *mut abi::Stream,
) -> abi::Invocation {
    let absent = abi::Bytes::of_option;
    abi::Invocation {
        event: abi::Bytes::of(invocation.event),
        request_id: abi::Bytes::of(invocation.request_id),
        deadline_ms: invocation.deadline_ms.unwrap_or(0),
        invoked_function_arn: absent(invocation.invoked_function_arn),
        trace_id: absent(invocation.trace_id),
        client_context: absent(invocation.client_context),
        cognito_identity: absent(invocation.cognito_identity),
        tenant_id: absent(invocation.tenant_id),
        function_name: absent(environment.function_name),
        function_version: absent(environment.function_version),
        memory_size_mb: environment.memory_size_mb.unwrap_or(0),
        stream,
        warm_count,
    }
}

/// The result of a call; dropping it calls the handler's `release`.
#[derive(Debug)]
pub struct CallResult<'a> {
    code: i32,
    outcome: abi::Outcome,
    borrows: PhantomData<&'a [u8]>,
}

impl CallResult<'_> {
    /// The response, or the failure.
    pub fn outcome(&self) -> Outcome<'_> {
        if self.code == abi::RESPONSE {
            return Outcome::Response(self.borrow(self.outcome.response).unwrap_or_default());
        }
        Outcome::Failure(HandlerError {
            error_type: self.borrow(self.outcome.error_type).unwrap_or(b"Error"),
            message: self.borrow(self.outcome.error_message).unwrap_or_default(),
            stack_trace: self.borrow(self.outcome.stack_trace).unwrap_or_default(),
            is_logged: self.code == abi::LOGGED_FAILURE,
        })
    }

    /// A value of the outcome.
    fn borrow(&self, bytes: abi::Bytes) -> Option<&[u8]> {
        // SAFETY: the ABI's rule for an outcome's values: they stay valid until the outcome is
        // released, which is when `self` is dropped.
        unsafe { bytes.as_slice() }
    }
}

impl Drop for CallResult<'_> {
    fn drop(&mut self) {
        if let Some(release) = self.outcome.release {
            // SAFETY: the ABI's rule for `release`: once, after the bytes were read, on the
            // thread that called the handler (a CallResult holds raw pointers, so it stays there).
            unsafe { release(self.outcome.owner) };
        }
    }
}

/// The exports of a library, checked to lie in its own segments.
#[derive(Debug)]
pub struct Exports {
    /// The ABI version that it was built for.
    pub abi_version: u32,
    library: abi::Exported<abi::Library>,
    /// Every handler with its name.
    pub handlers: Vec<(&'static CStr, HandlerFn)>,
}

impl Exports {
    /// Reads the exports, before any code of the library has run; None if a pointer leaves the
    /// library. For an unsupported ABI version, only the version is read.
    pub fn read(library: &'static Library) -> Option<Exports> {
        let image = library.image();
        let found = read_library(image, library.entry)?;
        let abi_version = found.abi_version;
        let mut exports =
            Exports { abi_version, library: abi::Exported(found), handlers: Vec::new() };
        if !exports.is_supported() {
            return Some(exports);
        }
        let functions = [
            found.init.map(|function| function as usize),
            found.shutdown.map(|function| function as usize),
            found.attach.map(|function| function as usize),
            found.after.map(|function| function as usize),
            found.before_snapshot.map(|function| function as usize),
            found.after_restore.map(|function| function as usize),
        ];
        for function in functions.into_iter().flatten() {
            image.will_run(image.code(function as u64)?);
        }
        for index in 0..found.handler_count {
            let offset = u64::from(index) * size_of::<abi::Handler>() as u64;
            let address = (found.handlers.addr() as u64).checked_add(offset)?;
            let handler: abi::Handler = read(image, address)?;
            let call = handler.call?;
            image.will_run(image.code(call as usize as u64)?);
            // SAFETY: no code of the library runs before this function returns.
            let name = unsafe { image.bytes_at(handler.name.addr() as u64) }?;
            let name = CStr::from_bytes_until_nul(name).ok()?;
            exports.handlers.push((name, HandlerFn { call, flags: handler.flags }));
        }
        Some(exports)
    }

    /// Whether the library has a `shutdown` hook.
    pub fn has_shutdown(&self) -> bool {
        self.library.0.shutdown.is_some()
    }

    /// Whether this runtime supports the library's ABI version.
    pub fn is_supported(&self) -> bool {
        pilotlight_loader::abi_mismatch(self.abi_version).is_none()
    }
}

/// Copies a library's table. The fields that its version does not have are null.
fn read_library(image: &Image, live: u64) -> Option<abi::Library> {
    let size = abi::Library::size_in(read(image, live)?);
    // SAFETY: no code of the library runs before this function returns.
    let bytes = unsafe { image.bytes_at(live) }?.get(..size)?;
    let mut library = MaybeUninit::<abi::Library>::zeroed();
    // SAFETY: the slice is not longer than the table, which is this function's own.
    unsafe { library.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), size) };
    // SAFETY: every bit pattern is valid: numbers, and pointers that may be null.
    Some(unsafe { library.assume_init() })
}

/// Copies a structure of the ABI out of a library.
fn read<T: Copy>(image: &Image, live: u64) -> Option<T> {
    // SAFETY: no code of the library runs before this function returns.
    let bytes = unsafe { image.bytes_at(live) }?;
    if bytes.len() < size_of::<T>() {
        return None;
    }
    // SAFETY: there are enough bytes, and every bit pattern is valid for these structures: numbers,
    // and pointers that may be null.
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

/// Passes the runtime's functions to the library, and calls its `init`, if it has these hooks.
pub fn initialise(exports: &Exports, runtime: abi::Runtime) -> Result<(), Failure> {
    if let Some(attach) = exports.library.0.attach {
        // SAFETY: the ABI's rule for `attach`: once, before `init`, with a table that is never
        // freed.
        unsafe { attach(Box::leak(Box::new(runtime))) };
    }
    run(exports.library.0.init)
}

/// Calls the library's `before_snapshot`, if it has it.
pub fn before_snapshot(exports: &Exports) -> Result<(), Failure> {
    run(exports.library.0.before_snapshot)
}

/// Calls the library's `after_restore`, if it has it.
pub fn after_restore(exports: &Exports) -> Result<(), Failure> {
    run(exports.library.0.after_restore)
}

/// Calls a function of the library that can fail.
fn run(function: Option<abi::Init>) -> Result<(), Failure> {
    let Some(function) = function else {
        return Ok(());
    };
    let mut outcome = abi::Outcome::EMPTY;
    // SAFETY: the ABI's rule for these functions: on the first thread, before the first invocation.
    let code = unsafe { function(&raw mut outcome) };
    let answer = CallResult { code, outcome, borrows: PhantomData };
    match answer.outcome() {
        Outcome::Response(_) => Ok(()),
        Outcome::Failure(error) => {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let stack_trace = text(error.stack_trace);
            let failure = Failure::init(&text(error.error_type), text(error.message));
            Err(Failure { stack_trace, ..failure })
        }
    }
}

/// Calls the library's `after` hook, if it has one, and flushes the C streams again.
pub fn after(
    exports: &Exports,
    invocation: &Invocation,
    environment: &Environment,
    warm_count: u64,
) {
    let Some(after) = exports.library.0.after else {
        return;
    };
    let invocation = abi_invocation(invocation, environment, warm_count, ptr::null_mut());
    // SAFETY: the ABI's rule for `after`: once, on the thread that called the handler, while the
    // invocation's bytes live.
    unsafe { after(&raw const invocation) };
    sys::flush_streams();
}

/// Calls the library's `shutdown` hook, if it has one, and flushes the C streams.
pub fn shut_down(exports: &Exports) {
    if let Some(shutdown) = exports.library.0.shutdown {
        // SAFETY: the ABI's rule for `shutdown`: once, on any thread.
        unsafe { shutdown() };
    }
    sys::flush_streams();
}
