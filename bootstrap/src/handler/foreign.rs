//! Calls across the handler ABI: the only place where the bootstrap trusts what a library says.
//!
//! The promises are those at the top of `sdk/include/pilotlight.h`; whoever wrote the library keeps
//! them, and the SDK keeps them for everyone who uses it.

use alloc::string::String;
use alloc::vec::Vec;
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
use crate::loader::Image;
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
        // What a C handler has printed must be out before the environment can be frozen.
        // SAFETY: null stands for every stream.
        unsafe { libc::fflush(ptr::null_mut()) };
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

/// What a library exports, found to lie in its own segments.
#[derive(Debug)]
pub struct Exports {
    /// The ABI version that it was built for.
    pub abi_version: u32,
    init: Option<abi::Init>,
    /// Every handler, with its name.
    pub handlers: Vec<(String, Entry)>,
}

impl Exports {
    /// Reads them, before any code of the library has run; None where a pointer leads elsewhere.
    /// Of a library for another ABI, the version alone is read.
    pub fn read(library: &Library) -> Option<Exports> {
        let image = library.image();
        let found: abi::Library = read(image, library.entry)?;
        let abi_version = found.abi_version;
        let mut exports = Exports { abi_version, init: found.init, handlers: Vec::new() };
        if !exports.is_supported() {
            return Some(exports);
        }
        if let Some(init) = found.init {
            image.code(init as usize as u64)?;
        }
        for index in 0..found.handler_count {
            let offset = u64::from(index) * size_of::<abi::Handler>() as u64;
            let place = (found.handlers.addr() as u64).checked_add(offset)?;
            let handler: abi::Handler = read(image, place)?;
            let call = handler.call?;
            image.code(call as usize as u64)?;
            // SAFETY: no code of the library runs before this function returns.
            let name = unsafe { image.bytes_at(handler.name.addr() as u64) }?;
            let name = CStr::from_bytes_until_nul(name).ok()?.to_string_lossy().into_owned();
            exports.handlers.push((name, Entry { call }));
        }
        Some(exports)
    }

    /// Whether the library may be called as this runtime calls libraries.
    pub fn is_supported(&self) -> bool {
        let (major, minor) = (self.abi_version >> 16, self.abi_version & 0xffff);
        major == abi::ABI_MAJOR && (0..=abi::ABI_MINOR).contains(&minor)
    }
}

/// Copies a structure of the ABI out of a library.
fn read<T: Copy>(image: &Image, live: u64) -> Option<T> {
    // SAFETY: no code of the library runs before this function returns.
    let bytes = unsafe { image.bytes_at(live) }?;
    if bytes.len() < size_of::<T>() {
        return None;
    }
    // SAFETY: there are enough bytes, and any bytes are one of these structures: numbers, and
    // pointers that may be null.
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

/// Runs the library's own start-up work, if it has any.
pub fn initialise(exports: &Exports) -> Result<(), Failure> {
    let Some(init) = exports.init else {
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
            let stack_trace = text(error.stack_trace);
            let failure = Failure::init(&text(error.error_type), text(error.message));
            Err(Failure { stack_trace, ..failure })
        }
    }
}
