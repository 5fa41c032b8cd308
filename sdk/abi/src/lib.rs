//! The C ABI between the Pilotlight bootstrap and a handler library.
//!
//! A handler library is an ELF shared object that exports one data symbol, [`LIBRARY_SYMBOL`], a
//! [`Library`]. `pilotlight.h` is the same ABI for C. The comment at its top states the rules: who
//! allocates, who frees, on which thread, and after a failure. A test compiles C against that
//! header and compares every size and offset with the types here.
//!
//! Handlers in Rust use the crate `pilotlight` instead. This crate has no dependency and almost no
//! code, so the bootstrap and the SDK can share it.

#![no_std]

use core::ffi::c_char;
use core::ffi::c_void;

/// The major version: raised when a change breaks libraries that are already built.
pub const ABI_MAJOR: u32 = 1;

/// The minor version: raised when a field is appended. A bootstrap runs every library of its own
/// major version whose minor version is not newer than its own.
pub const ABI_MINOR: u32 = 2;

/// The version that a library carries: major in the upper 16 bits, minor in the lower.
pub const ABI_VERSION: u32 = (ABI_MAJOR << 16) | ABI_MINOR;

/// The one symbol that a handler library exports: a [`Library`].
pub const LIBRARY_SYMBOL: &str = "pilotlight_library";

/// Borrowed bytes. `data` is null for an absent value, which is not the same as a value of length
/// 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Bytes {
    /// The first byte, or null for an absent value.
    pub data: *const u8,
    /// The number of bytes.
    pub length: usize,
}

impl Bytes {
    /// The absent value.
    pub const ABSENT: Bytes = Bytes { data: core::ptr::null(), length: 0 };

    /// Borrows `bytes`; the caller keeps them alive for as long as the callee may read them.
    pub const fn of(bytes: &[u8]) -> Bytes {
        Bytes { data: bytes.as_ptr(), length: bytes.len() }
    }

    /// Borrows `bytes`; [`Bytes::ABSENT`] for None.
    pub const fn of_option(bytes: Option<&[u8]>) -> Bytes {
        match bytes {
            Some(bytes) => Bytes::of(bytes),
            None => Bytes::ABSENT,
        }
    }

    /// The bytes; None for an absent value.
    ///
    /// # Safety
    /// Unless `data` is null, `length` bytes are readable there for the whole of `'a`, and are not
    /// written meanwhile. The caller chooses `'a`, and must choose it by the ABI's rule for the
    /// value.
    #[allow(unsafe_code)] // The one conversion from a pointer to a slice, for both sides.
    pub const unsafe fn as_slice<'a>(self) -> Option<&'a [u8]> {
        if self.data.is_null() {
            return None;
        }
        // SAFETY: as the function's own contract.
        Some(unsafe { core::slice::from_raw_parts(self.data, self.length) })
    }
}

/// One invocation, as the bootstrap passes it to a handler and to [`Library::after`]. Everything
/// that it points to lives until the outcome has been released and `after` has returned.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Invocation {
    /// The event, byte for byte as the Runtime API delivered it; it may be empty.
    pub event: Bytes,
    /// `Lambda-Runtime-Aws-Request-Id`; always present.
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
    /// For [`Runtime::stream_begin`] and [`Runtime::stream_write`]; belongs to the runtime. Null
    /// in [`Library::after`].
    pub stream: *mut Stream,
    /// The number of warming pings that this execution environment has answered.
    pub warm_count: u64,
}

/// The streamed response of one invocation. Opaque: it belongs to the runtime.
#[repr(C)]
#[derive(Debug)]
pub struct Stream {
    opaque: [u8; 0],
}

impl Invocation {
    /// An invocation in which everything is absent.
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

/// The result of a handler, of `init` or of a [`SnapshotHook`]. The bootstrap passes it zeroed, the
/// handler fills it in, and the bootstrap calls `release` (unless null) once, after it has posted
/// the bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// The response, posted as it is, if the handler returned [`RESPONSE`]. The last piece, if the
    /// handler streamed its response.
    pub response: Bytes,
    /// `errorType` of a failure, UTF-8; absent means `Error`.
    pub error_type: Bytes,
    /// `errorMessage` of a failure, UTF-8.
    pub error_message: Bytes,
    /// `stackTrace` of a failure: UTF-8 lines, each ended by a line feed; absent means none.
    pub stack_trace: Bytes,
    /// Passed to `release`; belongs to the handler.
    pub owner: *mut c_void,
    /// Frees the bytes that the outcome borrows from `owner`. The runtime calls it on the thread
    /// that called the handler.
    pub release: Option<unsafe extern "C" fn(owner: *mut c_void)>,
}

impl Outcome {
    /// The zeroed outcome that a handler fills in.
    pub const EMPTY: Outcome = Outcome {
        response: Bytes::ABSENT,
        error_type: Bytes::ABSENT,
        error_message: Bytes::ABSENT,
        stack_trace: Bytes::ABSENT,
        owner: core::ptr::null_mut(),
        release: None,
    };
}

/// Returned by a handler that has succeeded: `outcome.response` holds its response.
pub const RESPONSE: i32 = 0;

/// Returned by a handler or an `init` that has failed: the outcome's `error_*` fields say why.
pub const FAILURE: i32 = 1;

/// Like [`FAILURE`], from a handler that has already written the failure to the log. Since 1.1.
pub const LOGGED_FAILURE: i32 = 2;

/// A handler: reads the invocation, fills in the outcome, returns [`RESPONSE`] or [`FAILURE`].
/// It must not unwind into its caller.
pub type Call = unsafe extern "C" fn(invocation: *const Invocation, outcome: *mut Outcome) -> i32;

/// Initialises the library once, before the first invocation. Returns [`RESPONSE`] (the runtime
/// then reads only `release` of the outcome) or [`FAILURE`].
pub type Init = unsafe extern "C" fn(outcome: *mut Outcome) -> i32;

/// Runs after an invocation's response or failure has been posted and its outcome released, and
/// before the runtime asks for the next one: once per invocation, on the thread that called the
/// handler. It must not unwind into its caller. Since 1.2.
pub type After = unsafe extern "C" fn(invocation: *const Invocation);

/// Runs before or after a snapshot of the process, on its first thread. Returns [`RESPONSE`] (the
/// runtime then reads only `release` of the outcome) or [`FAILURE`], which ends the process. Since
/// 1.2.
pub type SnapshotHook = unsafe extern "C" fn(outcome: *mut Outcome) -> i32;

/// The shutdown hook. The runtime calls it when the execution environment ends, on a thread of its
/// own and perhaps while a handler runs. `pilotlight.h` says how much time it has.
pub type Shutdown = unsafe extern "C" fn();

/// Receives the runtime's functions. The runtime calls it first, before `init`; the table lives as
/// long as the process.
pub type Attach = unsafe extern "C" fn(runtime: *const Runtime);

/// [`Handler::flags`]: the handler may be called on several threads at the same time.
pub const CONCURRENT: u32 = 1;

/// One handler of a library.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Handler {
    /// The part of `_HANDLER` after the dot: NUL-terminated UTF-8.
    pub name: *const c_char,
    /// The function; the runtime refuses a library in which it is null.
    pub call: Option<Call>,
    /// [`CONCURRENT`] or 0; other bits are 0.
    pub flags: u32,
}

/// The table that a library exports as [`LIBRARY_SYMBOL`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Library {
    /// [`ABI_VERSION`] of the header or crate that the library was built with. Always the first
    /// field.
    pub abi_version: u32,
    /// The number of handlers; at least 1.
    pub handler_count: u32,
    /// The first of the handlers.
    pub handlers: *const Handler,
    /// Called once, after the library's constructors and before the first invocation; may be null.
    pub init: Option<Init>,
    /// Called once, when the execution environment ends; may be null.
    pub shutdown: Option<Shutdown>,
    /// Called once, before `init`; may be null.
    pub attach: Option<Attach>,
    /// Called after each invocation; may be null. Since 1.2.
    pub after: Option<After>,
    /// Called once, after `init`, if the platform takes a snapshot of the process then; may be
    /// null. Since 1.2.
    pub before_snapshot: Option<SnapshotHook>,
    /// Called in each process that a snapshot is restored to, before the first invocation; may be
    /// null. Since 1.2.
    pub after_restore: Option<SnapshotHook>,
}

impl Library {
    /// The size in bytes of the table in version 1.0, which every library has.
    pub const MIN_SIZE: usize = core::mem::offset_of!(Library, after);

    /// The size in bytes of the table of a library that carries this version.
    pub const fn size_in(abi_version: u32) -> usize {
        if abi_version & 0xffff < 2 { Library::MIN_SIZE } else { size_of::<Library>() }
    }
}

/// [`Runtime::log_format`]: a line of text, its parts separated by tabs.
pub const LOG_TEXT: u32 = 0;
/// [`Runtime::log_format`]: a line of JSON.
pub const LOG_JSON: u32 = 1;

/// The levels of a log record, least severe first.
pub const LOG_LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/// The runtime's functions for a library, which may call them on any thread, from `attach` on.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Runtime {
    /// [`ABI_VERSION`] of the runtime: fields are appended with minor versions.
    pub abi_version: u32,
    /// [`LOG_TEXT`] or [`LOG_JSON`], from `AWS_LAMBDA_LOG_FORMAT`.
    pub log_format: u32,
    /// The least severe level that is logged, an index of [`LOG_LEVELS`].
    pub log_level: u32,
    /// Writes one record to the function's log, unless its level is below `log_level`. `target`
    /// names the record's source, and may be absent.
    pub log: unsafe extern "C" fn(level: u32, target: Bytes, message: Bytes),
    /// Begins a streamed response, before its first piece. `content_type` may be absent
    /// (`application/octet-stream`). `prelude` is the JSON with `statusCode`, `headers` and
    /// `cookies` that a function URL or API Gateway reads first, or absent. Returns 0 or an error
    /// number: EINVAL if the response has begun or ended, or `content_type` is not printable ASCII.
    pub stream_begin:
        unsafe extern "C" fn(stream: *mut Stream, content_type: Bytes, prelude: Bytes) -> i32,
    /// Sends a piece of the response, and waits while the reader is slow. Returns 0, or an error
    /// number if the reader has gone or the response has ended.
    pub stream_write: unsafe extern "C" fn(stream: *mut Stream, data: Bytes) -> i32,
    /// Declares a configuration value, `name=source`. Only `init` may call this. Returns 0, or
    /// EINVAL, which `reason` explains; that text lives as long as the process.
    pub config_declare: unsafe extern "C" fn(declaration: Bytes, reason: *mut Bytes) -> i32,
    /// Reads a configuration value, which the caller must release. Returns 0 or an error number:
    /// ENOENT if the name is not declared, EAGAIN if no value has arrived. Only the first read of a
    /// `required` value waits, if no value has arrived: at the latest until `deadline_ms`
    /// (milliseconds since the Unix epoch; 0: none).
    pub config_read:
        unsafe extern "C" fn(name: Bytes, deadline_ms: u64, value: *mut ConfigValue) -> i32,
    /// Releases a value that `config_read` has read, on any thread.
    pub config_release: unsafe extern "C" fn(value: *const ConfigValue),
    /// Writes an error to the function's log, in the form and at the level of failed invocations.
    /// `stack_trace` consists of lines, each ended by a line feed, and may be absent. Since 1.1.
    pub log_error: unsafe extern "C" fn(error_type: Bytes, message: Bytes, stack_trace: Bytes),
    /// Records why the library is about to end the process. The report to the caller contains the
    /// first 1,024 bytes. The message and its bytes live as long as the process. Since 1.1.
    pub last_words: unsafe extern "C" fn(message: *const Bytes),
}

/// [`ConfigValue::flags`]: the value's interval has passed, or the value is from before a restart,
/// and its source has not confirmed it since.
pub const CONFIG_STALE: u32 = 1;

/// [`ConfigValue::flags`]: the value must not reach a log or an error message.
pub const CONFIG_SECRET: u32 = 2;

/// A text in each library that reads configuration, which tells `pilotlight build` that the
/// function needs the module that fetches it.
pub const CONFIG_MARK: &str = "pilotlight: reads configuration";

/// A configuration value as it was when it was read. The bytes that it borrows live until it is
/// released.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ConfigValue {
    /// The content, as the source has it.
    pub bytes: Bytes,
    /// The content type, if the source names one.
    pub content_type: Bytes,
    /// The source's name for this version; absent if it has none.
    pub version: Bytes,
    /// The number of this value in this process: the first value of a name is 1, and each change
    /// adds 1.
    pub generation: u64,
    /// The time when the source last confirmed the value: milliseconds since the Unix epoch.
    pub fetched_ms: u64,
    /// [`CONFIG_STALE`] and [`CONFIG_SECRET`].
    pub flags: u32,
    /// Belongs to the runtime.
    pub owner: *const c_void,
}

impl ConfigValue {
    /// The empty value that a reader passes to `config_read`.
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

/// Makes a [`Library`] or a table of [`Handler`]s [`Sync`], so that a library can export it as a
/// static. No other type becomes [`Sync`]:
///
/// ```compile_fail
/// static SHARED: pilotlight_abi::Exported<core::cell::Cell<u8>> =
///     pilotlight_abi::Exported(core::cell::Cell::new(0));
/// ```
#[repr(transparent)]
#[derive(Debug)]
pub struct Exported<T>(pub T);

#[allow(unsafe_code)] // Raw pointers are not Sync; these point to constants.
mod sync {
    use super::Exported;
    use super::Handler;
    use super::Library;

    // SAFETY: functions, a count, and a pointer to the table of handlers, which the library's
    // author keeps constant: a runtime may read it on any thread.
    unsafe impl Sync for Exported<Library> {}
    // SAFETY: a function, flags, and a pointer to a name, which the author keeps constant likewise.
    unsafe impl<const COUNT: usize> Sync for Exported<[Handler; COUNT]> {}
    // SAFETY: as above.
    unsafe impl Sync for Exported<&[Handler]> {}
}
