//! Calls across the handler ABI: the only place where the bootstrap trusts what a library says.
//!
//! The promises are those at the top of `sdk/include/pilotlight.h`; whoever wrote the library keeps
//! them, and the SDK keeps them for everyone who uses it.

use alloc::string::String;
use core::ffi::CStr;
use core::ffi::c_char;
use core::ffi::c_int;
use core::marker::PhantomData;
use core::ptr;
use core::slice;

use pilotlight_abi as abi;

use crate::environment::Arguments;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::invocation::HandlerError;
use crate::invocation::Invocation;
use crate::invocation::Outcome;
use crate::loader::Library;

/// A handler of a library that stays mapped.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    call: abi::Call,
}

impl Entry {
    /// Calls the handler on this thread.
    pub fn call<'a>(&self, invocation: &Invocation<'a>, environment: &Environment) -> Answer<'a> {
        let absent = abi::Bytes::of_option;
        let invocation = abi::Invocation {
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
        };
        let mut outcome = abi::Outcome::EMPTY;
        // SAFETY: the ABI's rules for `call`: both pointers are valid, and what the invocation
        // borrows lives for 'a, which the answer cannot outlive.
        let code = unsafe { (self.call)(&raw const invocation, &raw mut outcome) };
        Answer { code, outcome, borrows: PhantomData }
    }
}

/// What a handler answered; released when it is dropped.
#[derive(Debug)]
pub struct Answer<'a> {
    code: i32,
    outcome: abi::Outcome,
    borrows: PhantomData<&'a [u8]>,
}

impl Answer<'_> {
    /// The response, or the failure.
    pub fn outcome(&self) -> Outcome<'_> {
        if self.code == abi::RESPONSE {
            return Outcome::Response(bytes(self.outcome.response).unwrap_or_default());
        }
        Outcome::Failure(HandlerError {
            error_type: bytes(self.outcome.error_type).unwrap_or(b"Error"),
            message: bytes(self.outcome.error_message).unwrap_or_default(),
            stack_trace: bytes(self.outcome.stack_trace).unwrap_or_default(),
        })
    }
}

impl Drop for Answer<'_> {
    fn drop(&mut self) {
        if let Some(release) = self.outcome.release {
            // SAFETY: the ABI's rule for `release`: once, after the bytes were read, on the
            // thread that called the handler (an Answer holds raw pointers, so it stays there).
            unsafe { release(self.outcome.owner) };
        }
    }
}

/// Borrows bytes that a library promised to keep until its outcome is released.
fn bytes<'a>(bytes: abi::Bytes) -> Option<&'a [u8]> {
    if bytes.data.is_null() {
        return None;
    }
    // SAFETY: the ABI's rule for what a handler puts into an outcome. Only `Answer` calls this,
    // and lends the slice for no longer than it lives.
    Some(unsafe { slice::from_raw_parts(bytes.data, bytes.length) })
}

/// Runs the library's constructors, as a dynamic linker would.
pub fn construct(library: &'static Library, arguments: Arguments) {
    type Constructor = unsafe extern "C" fn(c_int, *const *const c_char, *const *const c_char);
    for &address in &library.constructors {
        let address = usize::try_from(address).unwrap_or(0);
        let pointer: *const () = ptr::with_exposed_provenance(address);
        // SAFETY: the loader has checked that the address lies in an executable segment, and
        // the file declares it to be a constructor.
        let constructor: Constructor = unsafe { core::mem::transmute(pointer) };
        // SAFETY: the library is relocated and registered, so its code may run.
        unsafe { constructor(arguments.argc, arguments.argv, arguments.envp) };
    }
}

/// The structure that the library exports.
pub fn exported(library: &'static Library) -> abi::Library {
    let address = usize::try_from(library.entry).unwrap_or(0);
    let pointer: *const abi::Library = ptr::with_exposed_provenance(address);
    // SAFETY: the loader has found this many mapped bytes there; any bytes are an abi::Library as
    // far as its version is concerned, and nothing else is used before that was checked.
    unsafe { pointer.read_unaligned() }
}

/// Every handler of a library, with its name.
pub fn handlers(library: &abi::Library) -> impl Iterator<Item = (&'static str, Entry)> {
    let count = usize::try_from(library.handler_count).unwrap_or(0);
    let start = library.handlers;
    (0..count).map(move |index| {
        // SAFETY: the ABI's rule for `handlers`: it points to `handler_count` of them.
        let handler = unsafe { start.wrapping_add(index).read() };
        // SAFETY: the ABI's rule for `name`: a constant that ends with NUL.
        let name: &'static CStr = unsafe { CStr::from_ptr(handler.name) };
        (name.to_str().unwrap_or_default(), Entry { call: handler.call })
    })
}

/// Runs the library's own start-up work, if it has any.
pub fn initialise(library: &abi::Library) -> Result<(), Failure> {
    let Some(init) = library.init else {
        return Ok(());
    };
    let mut outcome = abi::Outcome::EMPTY;
    // SAFETY: the ABI's rule for `init`: once, before the first invocation.
    let code = unsafe { init(&raw mut outcome) };
    let answer = Answer { code, outcome, borrows: PhantomData };
    match answer.outcome() {
        Outcome::Response(_) => Ok(()),
        Outcome::Failure(error) => {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let mut failure = Failure::init("", text(error.message));
            failure.error_type = text(error.error_type);
            failure.stack_trace = text(error.stack_trace);
            Err(failure)
        }
    }
}
