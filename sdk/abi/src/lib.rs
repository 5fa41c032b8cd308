//! The handler ABI: everything that the bootstrap and a handler library know of each other.
//!
//! A handler library is an ELF shared object that exports one data symbol, [`LIBRARY_SYMBOL`], a
//! [`Library`]. The rules (who allocates, who frees, which thread, what after a failure) stand in
//! prose at the top of `sdk/include/pilotlight.h`, the same ABI for C; a test compiles C against
//! that header and compares every size and offset with the types here.
//!
//! The crate has no dependency and next to no code, so the bootstrap and the SDK can share it.

#![no_std]

use core::ffi::c_char;
use core::ffi::c_void;

/// Raised when a change breaks libraries that are already built.
pub const ABI_MAJOR: u32 = 1;

/// Raised when something is appended. A bootstrap runs every library of its own major version
/// whose minor version is not newer than its own.
pub const ABI_MINOR: u32 = 1;

/// The composed number that a library carries: major in the upper 16 bits, minor in the lower.
pub const ABI_VERSION: u32 = (ABI_MAJOR << 16) | ABI_MINOR;

/// The one symbol that a handler library exports: a [`Library`].
pub const LIBRARY_SYMBOL: &str = "pilotlight_library";

/// Bytes that somebody else owns. `data` is null for a value that is absent, which is not the
/// same as one of length 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Bytes {
    /// The first byte, or null for an absent value.
    pub data: *const u8,
    /// How many bytes there are.
    pub length: usize,
}

impl Bytes {
    /// The absent value.
    pub const ABSENT: Bytes = Bytes { data: core::ptr::null(), length: 0 };

    /// Borrows `bytes`; the caller keeps them alive for as long as the callee may read them.
    pub const fn of(bytes: &[u8]) -> Bytes {
        Bytes { data: bytes.as_ptr(), length: bytes.len() }
    }

    /// Borrows what is there, or is [`Bytes::ABSENT`].
    pub const fn of_option(bytes: Option<&[u8]>) -> Bytes {
        match bytes {
            Some(bytes) => Bytes::of(bytes),
            None => Bytes::ABSENT,
        }
    }

    /// The bytes; None for an absent value.
    ///
    /// # Safety
    /// Unless `data` is null, `length` bytes may be read there for the whole of `'a`, and are not written
    /// meanwhile. `'a` is the caller's choice: for how long, says the rule of the ABI for the value in hand.
    #[allow(unsafe_code)] // One way from a pointer of the ABI to a slice, for both sides of it.
    pub const unsafe fn as_slice<'a>(self) -> Option<&'a [u8]> {
        if self.data.is_null() {
            return None;
        }
        // SAFETY: as the function's own contract.
        Some(unsafe { core::slice::from_raw_parts(self.data, self.length) })
    }
}

/// One invocation, as the bootstrap hands it to a handler. Everything in it lives until the
/// outcome has been released.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Invocation {
    /// The event, byte for byte as the Runtime API delivered it; it may be empty.
    pub event: Bytes,
    /// `Lambda-Runtime-Aws-Request-Id`; always there.
    pub request_id: Bytes,
    /// `Lambda-Runtime-Deadline-Ms`: milliseconds since the Unix epoch; 0 when absent.
    pub deadline_ms: u64,
    /// `Lambda-Runtime-Invoked-Function-Arn`.
    pub invoked_function_arn: Bytes,
    /// `Lambda-Runtime-Trace-Id`, the X-Ray header.
    pub trace_id: Bytes,
    /// `Lambda-Runtime-Client-Context`, JSON.
    pub client_context: Bytes,
    /// `Lambda-Runtime-Cognito-Identity`, JSON.
    pub cognito_identity: Bytes,
    /// `Lambda-Runtime-Aws-Tenant-Id`.
    pub tenant_id: Bytes,
    /// `AWS_LAMBDA_FUNCTION_NAME`.
    pub function_name: Bytes,
    /// `AWS_LAMBDA_FUNCTION_VERSION`.
    pub function_version: Bytes,
    /// `AWS_LAMBDA_FUNCTION_MEMORY_SIZE` in MB; 0 when absent.
    pub memory_size_mb: u64,
    /// For [`Runtime::stream_begin`] and [`Runtime::stream_write`]; belongs to the runtime.
    pub stream: *mut Stream,
    /// How often this execution environment has answered a ping that keeps it warm; 0 for never.
    pub warm_count: u64,
}

/// The response of one invocation, to be written piece by piece; what it is, is the runtime's affair.
#[repr(C)]
#[derive(Debug)]
pub struct Stream {
    opaque: [u8; 0],
}

impl Invocation {
    /// One of which nothing is known.
    pub const EMPTY: Invocation = Invocation {
        event: Bytes::ABSENT,
        request_id: Bytes::ABSENT,
        deadline_ms: 0,
        invoked_function_arn: Bytes::ABSENT,
        trace_id: Bytes::ABSENT,
        client_context: Bytes::ABSENT,
        cognito_identity: Bytes::ABSENT,
        tenant_id: Bytes::ABSENT,
        function_name: Bytes::ABSENT,
        function_version: Bytes::ABSENT,
        memory_size_mb: 0,
        stream: core::ptr::null_mut(),
        warm_count: 0,
    };
}

/// What a handler answered. The bootstrap passes it zeroed, the handler fills it in, and the
/// bootstrap calls `release` (unless null) once, after it has posted the bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// The response, posted as it is, when the handler returned [`RESPONSE`]; of a response that was
    /// streamed, the last piece.
    pub response: Bytes,
    /// `errorType` of a failure, UTF-8; absent means `Error`.
    pub error_type: Bytes,
    /// `errorMessage` of a failure, UTF-8.
    pub error_message: Bytes,
    /// `stackTrace` of a failure: UTF-8 lines, each ended by a line feed; absent means none.
    pub stack_trace: Bytes,
    /// Passed to `release`; belongs to the handler.
    pub owner: *mut c_void,
    /// Frees what the outcome borrows from `owner`. Called on the thread that called the handler.
    pub release: Option<unsafe extern "C" fn(owner: *mut c_void)>,
}

impl Outcome {
    /// What a handler is handed to fill in.
    pub const EMPTY: Outcome = Outcome {
        response: Bytes::ABSENT,
        error_type: Bytes::ABSENT,
        error_message: Bytes::ABSENT,
        stack_trace: Bytes::ABSENT,
        owner: core::ptr::null_mut(),
        release: None,
    };
}

/// A handler returns this when `outcome.response` holds its answer.
pub const RESPONSE: i32 = 0;

/// A handler or `init` returns this when the outcome's `error_*` fields say what went wrong.
pub const FAILURE: i32 = 1;

/// As [`FAILURE`], of a handler that has written the failure to the log itself. Since 1.1.
pub const LOGGED_FAILURE: i32 = 2;

/// A handler: reads the invocation, fills in the outcome, returns [`RESPONSE`] or [`FAILURE`].
/// It must not unwind into its caller.
pub type Call = unsafe extern "C" fn(invocation: *const Invocation, outcome: *mut Outcome) -> i32;

/// Work to be done once, before the first invocation: returns [`RESPONSE`] (and nothing in the
/// outcome is read but `release`) or [`FAILURE`].
pub type Init = unsafe extern "C" fn(outcome: *mut Outcome) -> i32;

/// Work to be done when the execution environment ends, on a thread of its own and perhaps while a
/// handler runs; see the header for how much time it has.
pub type Shutdown = unsafe extern "C" fn();

/// Takes what the runtime offers: called first, before `init`. The table lives as long as the process.
pub type Attach = unsafe extern "C" fn(runtime: *const Runtime);

/// [`Handler::flags`]: the handler may be called on several threads at the same time.
pub const CONCURRENT: u32 = 1;

/// One handler of a library.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Handler {
    /// Its name, which `_HANDLER` gives behind the dot: NUL-terminated UTF-8.
    pub name: *const c_char,
    /// The handler itself; null is no handler.
    pub call: Option<Call>,
    /// [`CONCURRENT`] or 0; other bits are 0.
    pub flags: u32,
}

/// What a library exports as [`LIBRARY_SYMBOL`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Library {
    /// [`ABI_VERSION`] of the header or crate it was built with. First for ever.
    pub abi_version: u32,
    /// How many handlers there are at `handlers`; at least 1.
    pub handler_count: u32,
    /// The handlers.
    pub handlers: *const Handler,
    /// Called once, after the library's constructors and before the first invocation; may be null.
    pub init: Option<Init>,
    /// Called once, when the execution environment ends; may be null.
    pub shutdown: Option<Shutdown>,
    /// Called once, before `init`; may be null.
    pub attach: Option<Attach>,
}

/// [`Runtime::log_format`]: a line of text, its parts separated by tabs.
pub const LOG_TEXT: u32 = 0;
/// [`Runtime::log_format`]: a line of JSON.
pub const LOG_JSON: u32 = 1;

/// The levels of a log record, least severe first.
pub const LOG_LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/// What the runtime offers to a library. May be used on any thread, from `attach` on.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Runtime {
    /// [`ABI_VERSION`] of the runtime: fields are appended with minor versions.
    pub abi_version: u32,
    /// [`LOG_TEXT`] or [`LOG_JSON`], as `AWS_LAMBDA_LOG_FORMAT` says.
    pub log_format: u32,
    /// The least severe level that is logged, an index of [`LOG_LEVELS`].
    pub log_level: u32,
    /// Writes one record to the function's log, unless its level is below `log_level`. `target` says
    /// where it comes from, and may be absent.
    pub log: unsafe extern "C" fn(level: u32, target: Bytes, message: Bytes),
    /// Begins a streamed response, before its first piece: a content type (absent:
    /// `application/octet-stream`), and what a function URL or API Gateway needs to know first, JSON
    /// with `statusCode`, `headers` and `cookies` (absent: nothing). 0, or a system error number:
    /// EINVAL when the response has begun.
    pub stream_begin:
        unsafe extern "C" fn(stream: *mut Stream, content_type: Bytes, prelude: Bytes) -> i32,
    /// Writes a piece of the response, and waits for as long as the reader takes. 0, or a system error
    /// number when the reader has gone.
    pub stream_write: unsafe extern "C" fn(stream: *mut Stream, data: Bytes) -> i32,
    /// Declares a configuration value, `name=source`, to be used from `init` only. 0, or EINVAL and, in
    /// `mistake`, what is wrong with it; that text lives as long as the process.
    pub config_declare: unsafe extern "C" fn(declaration: Bytes, mistake: *mut Bytes) -> i32,
    /// Reads a configuration value, which the reader then releases. 0, or a system error number: ENOENT
    /// when nobody has declared the name, EAGAIN when no value has arrived. It never waits, but once for
    /// each `required` value that has never arrived: until `deadline_ms` (since the Unix epoch; 0: none)
    /// at the latest.
    pub config_read:
        unsafe extern "C" fn(name: Bytes, deadline_ms: u64, value: *mut ConfigValue) -> i32,
    /// Gives back what `config_read` has read, on any thread.
    pub config_release: unsafe extern "C" fn(value: *const ConfigValue),
    /// Writes an error to the function's log, in the form and at the level of failed invocations.
    /// `stack_trace` is lines, each ended by a line feed, and may be absent. Since 1.1.
    pub log_error: unsafe extern "C" fn(error_type: Bytes, message: Bytes, stack_trace: Bytes),
    /// Says why the library is about to end the process, for the report to the caller, which has
    /// its first 1,024 bytes. The message and its bytes live as long as the process. Since 1.1.
    pub last_words: unsafe extern "C" fn(message: *const Bytes),
}

/// [`ConfigValue::flags`]: its interval has passed, or it was kept from before a restart, and nobody
/// has confirmed it since.
pub const CONFIG_STALE: u32 = 1;

/// [`ConfigValue::flags`]: it must not reach a log or an error.
pub const CONFIG_SECRET: u32 = 2;

/// A configuration value as it was when it was read. What it borrows lives until it is released.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ConfigValue {
    /// The value itself, as its source has it.
    pub bytes: Bytes,
    /// Its content type, if the source names one.
    pub content_type: Bytes,
    /// What its source calls this version; absent where it has no such name.
    pub version: Bytes,
    /// Which value of this name it is in this process: the first is 1, and each change adds 1.
    pub generation: u64,
    /// When the source has last confirmed it: milliseconds since the Unix epoch.
    pub fetched_ms: u64,
    /// [`CONFIG_STALE`] and [`CONFIG_SECRET`].
    pub flags: u32,
    /// Belongs to the runtime.
    pub owner: *const c_void,
}

impl ConfigValue {
    /// What a reader hands over to be filled in.
    pub const EMPTY: ConfigValue = ConfigValue {
        bytes: Bytes::ABSENT,
        content_type: Bytes::ABSENT,
        version: Bytes::ABSENT,
        generation: 0,
        fetched_ms: 0,
        flags: 0,
        owner: core::ptr::null(),
    };
}

/// What a library exports may stand in a static: a [`Library`], or its table of [`Handler`]s. Nothing else
/// becomes [`Sync`] by standing in one:
///
/// ```compile_fail
/// static SHARED: pilotlight_abi::Exported<core::cell::Cell<u8>> =
///     pilotlight_abi::Exported(core::cell::Cell::new(0));
/// ```
#[repr(transparent)]
#[derive(Debug)]
pub struct Exported<T>(pub T);

#[allow(unsafe_code)] // Raw pointers keep the compiler from seeing what each of these points to.
mod shared {
    use super::Exported;
    use super::Handler;
    use super::Library;

    // SAFETY: functions, a count, and a pointer to the table of handlers, which the author of the library
    // keeps constant: a runtime may read it on any thread.
    unsafe impl Sync for Exported<Library> {}
    // SAFETY: a function, flags, and a pointer to a name, which the author keeps constant likewise.
    unsafe impl<const COUNT: usize> Sync for Exported<[Handler; COUNT]> {}
    // SAFETY: as above.
    unsafe impl Sync for Exported<&[Handler]> {}
}
