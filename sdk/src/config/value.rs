//! Reading: the only place where the runtime's configuration is called.

use std::cell::Cell;
use std::fmt;
use std::str::Utf8Error;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use pilotlight_abi as abi;

use super::Error;
use crate::runtime;

/// The runtime's error number for a name that nobody has declared.
const ENOENT: i32 = 2;

thread_local! {
    /// When the invocation that this thread works for times out: no read waits longer.
    static DEADLINE_MS: Cell<u64> = const { Cell::new(0) };
}

/// From now on, this thread works for an invocation that times out then (0: none).
pub fn set_deadline(deadline_ms: u64) {
    DEADLINE_MS.set(deadline_ms);
}

/// A value as it was when it was read: it does not change, however long it is kept.
pub struct ConfigValue {
    value: abi::ConfigValue,
    release: unsafe extern "C" fn(*const abi::ConfigValue),
}

// SAFETY: what a value borrows is never written, and may be given back on any thread.
unsafe impl Send for ConfigValue {}
// SAFETY: as above.
unsafe impl Sync for ConfigValue {}

/// Reads a value. This takes some ten nanoseconds and no system call, and never waits, but once for each
/// value declared as `required` that has never arrived.
pub fn get(name: &str) -> Result<ConfigValue, Error> {
    let runtime = runtime::attached().ok_or(Error::NoRuntime)?;
    let mut value = abi::ConfigValue::EMPTY;
    let name_bytes = abi::Bytes::of(name.as_bytes());
    // SAFETY: the ABI's rules for `config_read`: any thread, bytes that live until it returns, and
    // room for a value.
    let code = unsafe { (runtime.config_read)(name_bytes, DEADLINE_MS.get(), &raw mut value) };
    match code {
        0 => Ok(ConfigValue { value, release: runtime.config_release }),
        ENOENT => Err(Error::NotDeclared { name: name.to_owned() }),
        _ => Err(Error::NotYet { name: name.to_owned() }),
    }
}

/// Declares values in code, from a handler's `init`: the same text as in `PILOTLIGHT_CONFIG`.
///
/// ```no_run
/// fn set_up() -> Result<(), pilotlight::config::Error> {
///     pilotlight::config::declare("flags=appconfig:shop/production/flags?required")
/// }
/// ```
pub fn declare(declaration: &str) -> Result<(), Error> {
    let runtime = runtime::attached().ok_or(Error::NoRuntime)?;
    let mut mistake = abi::Bytes::ABSENT;
    let declaration = abi::Bytes::of(declaration.as_bytes());
    // SAFETY: the ABI's rules for `config_declare`.
    match unsafe { (runtime.config_declare)(declaration, &raw mut mistake) } {
        0 => Ok(()),
        _ => {
            // SAFETY: the ABI's rule for `config_declare`: a text that lives as long as the process.
            let reason = unsafe { mistake.as_slice() }.unwrap_or_default();
            Err(Error::InvalidDeclaration { reason: String::from_utf8_lossy(reason).into_owned() })
        }
    }
}

impl ConfigValue {
    /// The value's bytes, as its source has them.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the runtime keeps them until the value is released, when it is dropped.
        unsafe { self.value.bytes.as_slice() }.unwrap_or_default()
    }

    /// The bytes as text.
    pub fn text(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(self.bytes())
    }

    /// The content type, if the source names one.
    pub fn content_type(&self) -> Option<&str> {
        // SAFETY: as for the bytes.
        std::str::from_utf8(unsafe { self.value.content_type.as_slice() }?).ok()
    }

    /// What its source calls this version.
    pub fn version(&self) -> Option<&str> {
        // SAFETY: as for the bytes.
        std::str::from_utf8(unsafe { self.value.version.as_slice() }?).ok()
    }

    /// Which value of this name it is in this process: the first is 1, and each change adds 1.
    pub fn generation(&self) -> u64 {
        self.value.generation
    }

    /// When its source has last confirmed it.
    pub fn fetched(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.value.fetched_ms)
    }

    /// Whether its interval has passed, or it was kept from before a restart, and nobody has confirmed
    /// it since.
    pub fn is_stale(&self) -> bool {
        self.value.flags & abi::CONFIG_STALE != 0
    }

    /// Whether it must not reach a log or an error.
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
    /// Without the bytes, which may be a secret.
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
