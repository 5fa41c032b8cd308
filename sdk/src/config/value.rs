//! Raw configuration values: the only file that calls the runtime's configuration functions.

use std::cell::Cell;
use std::fmt;
use std::hint;
use std::str::Utf8Error;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use pilotlight_abi as abi;

use super::error::Error;
use crate::runtime;

/// The runtime's error number for a name that is not declared.
const ENOENT: i32 = 2;

/// The error number of a runtime without configuration, as a program on `lambda_runtime` is.
const ENOSYS: i32 = 38;

thread_local! {
    /// The deadline of this thread's invocation, after which no read waits: milliseconds since the
    /// Unix epoch; 0 for none.
    static DEADLINE_MS: Cell<u64> = const { Cell::new(0) };
}

/// Sets the deadline of this thread's invocation: milliseconds since the Unix epoch; 0 for none.
pub fn set_deadline(deadline_ms: u64) {
    DEADLINE_MS.set(deadline_ms);
}

/// A configuration value as it was when [`get`] read it. It never changes, however long it is kept.
pub struct ConfigValue {
    value: abi::ConfigValue,
    release: unsafe extern "C" fn(*const abi::ConfigValue),
}

// SAFETY: the bytes that a value borrows are never written, and may be released on any thread.
unsafe impl Send for ConfigValue {}
// SAFETY: as above.
unsafe impl Sync for ConfigValue {}

/// Reads a value. This takes about ten nanoseconds and no system call. Only the first read of a
/// value declared as `required` waits, if no value has arrived: at most until the invocation's
/// deadline.
///
/// # Errors
/// [`Error::NotDeclared`], [`Error::NotYet`], or [`Error::NoRuntime`].
pub fn get(name: &str) -> Result<ConfigValue, Error> {
    let runtime = runtime::attached().ok_or(Error::NoRuntime)?;
    hint::black_box(abi::CONFIG_MARK);
    let mut value = abi::ConfigValue::EMPTY;
    let name_bytes = abi::Bytes::of(name.as_bytes());
    // SAFETY: the ABI's rules for `config_read`: any thread, bytes that live until it returns, and
    // room for a value.
    let code = unsafe { (runtime.config_read)(name_bytes, DEADLINE_MS.get(), &raw mut value) };
    match code {
        0 => Ok(ConfigValue { value, release: runtime.config_release }),
        ENOENT => Err(Error::NotDeclared { name: name.to_owned() }),
        ENOSYS => Err(Error::NoRuntime),
        _ => Err(Error::NotYet { name: name.to_owned() }),
    }
}

/// Reads the value `name` if its [generation](ConfigValue::generation) is not `generation` (0 for
/// none), for handlers that cache a result computed from the value.
///
/// ```
/// use pilotlight::config;
///
/// struct Cache {
///     generation: u64,
///     lines: usize,
/// }
///
/// fn refresh(cache: &mut Cache) -> Result<(), config::Error> {
///     if let Some(value) = config::changed_since("list", cache.generation)? {
///         *cache = Cache {
///             generation: value.generation(),
///             lines: value.bytes().split(|byte| *byte == b'\n').count(),
///         };
///     }
///     Ok(())
/// }
/// ```
///
/// # Errors
/// As for [`get`].
pub fn changed_since(name: &str, generation: u64) -> Result<Option<ConfigValue>, Error> {
    let value = get(name)?;
    Ok((value.generation() != generation).then_some(value))
}

/// Declares values in code, in the form of `PILOTLIGHT_CONFIG`. Only a handler's `init` may call
/// it.
///
/// ```no_run
/// fn set_up() -> Result<(), pilotlight::config::Error> {
///     pilotlight::config::declare("flags=appconfig:shop/production/flags?required")
/// }
/// ```
///
/// # Errors
/// [`Error::InvalidDeclaration`], or [`Error::NoRuntime`].
pub fn declare(declaration: &str) -> Result<(), Error> {
    let runtime = runtime::attached().ok_or(Error::NoRuntime)?;
    let mut reason = abi::Bytes::ABSENT;
    let declaration = abi::Bytes::of(declaration.as_bytes());
    // SAFETY: the ABI's rules for `config_declare`.
    match unsafe { (runtime.config_declare)(declaration, &raw mut reason) } {
        0 => Ok(()),
        ENOSYS => Err(Error::NoRuntime),
        _ => {
            // SAFETY: the ABI's rule for `config_declare`: a text that lives as long as the
            // process.
            let reason = unsafe { reason.as_slice() }.unwrap_or_default();
            Err(Error::InvalidDeclaration { reason: String::from_utf8_lossy(reason).into_owned() })
        }
    }
}

impl ConfigValue {
    /// The content, as the source has it.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the runtime keeps the bytes until `drop` releases the value.
        unsafe { self.value.bytes.as_slice() }.unwrap_or_default()
    }

    /// The content as text.
    ///
    /// # Errors
    /// The content is not UTF-8.
    pub fn text(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(self.bytes())
    }

    /// The content type, if the source names one.
    pub fn content_type(&self) -> Option<&str> {
        // SAFETY: as in `bytes`.
        std::str::from_utf8(unsafe { self.value.content_type.as_slice() }?).ok()
    }

    /// The source's name for this version, if it has one.
    pub fn version(&self) -> Option<&str> {
        // SAFETY: as in `bytes`.
        std::str::from_utf8(unsafe { self.value.version.as_slice() }?).ok()
    }

    /// The number of this value in this process: the first value of a name is 1, and each change
    /// adds 1.
    pub fn generation(&self) -> u64 {
        self.value.generation
    }

    /// The time when the source last confirmed the value.
    pub fn fetched(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.value.fetched_ms)
    }

    /// Whether the value's interval has passed, or the value is from before a restart, and its
    /// source has not confirmed it since.
    pub fn is_stale(&self) -> bool {
        self.value.flags & abi::CONFIG_STALE != 0
    }

    /// Whether the value must not reach a log or an error message.
    pub fn is_secret(&self) -> bool {
        self.value.flags & abi::CONFIG_SECRET != 0
    }
}

impl Drop for ConfigValue {
    fn drop(&mut self) {
        // SAFETY: the ABI's rule for `config_release`: once, with what was read.
        unsafe { (self.release)(&raw const self.value) };
    }
}

impl fmt::Debug for ConfigValue {
    /// Omits the bytes, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigValue")
            .field("length", &self.bytes().len())
            .field("content_type", &self.content_type())
            .field("version", &self.version())
            .field("generation", &self.generation())
            .field("is_stale", &self.is_stale())
            .finish_non_exhaustive()
    }
}
