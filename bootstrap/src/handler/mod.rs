//! Loads the handler that `_HANDLER` names: finds the library, maps it, chooses the handler, and
//! runs the library's constructors and its `init`.

#[allow(unsafe_code)] // Calls across the handler ABI.
mod ffi;
mod resolve;

pub use self::ffi::CallResult;

use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use core::ffi::CStr;

use pilotlight_host::file::File;
use pilotlight_host::file::unreadable;
use pilotlight_host::log;
use pilotlight_host::map;
use pilotlight_host::map::Host;
use pilotlight_host::map::Library;
use pilotlight_host::package;
use pilotlight_host::sys;
use pilotlight_loader::Defect;
use pilotlight_loader::LoadError;
use pilotlight_loader::abi_mismatch;
use pilotlight_loader::package::Package;

use self::ffi::Exports;
use self::ffi::HandlerFn;
use self::resolve::HandlerSpec;
use crate::config;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::invocation::Sink;

/// A handler, ready to be called.
#[derive(Debug)]
pub struct Handler {
    entry: HandlerFn,
    exports: Exports,
}

impl Handler {
    /// Calls the handler. `warm_count` is the number of pings before the invocation. The outcome
    /// borrows from the returned value.
    pub fn call<'a>(
        &self,
        invocation: &Invocation<'a>,
        environment: &Environment,
        warm_count: u64,
        response: &mut dyn Sink,
    ) -> CallResult<'a> {
        self.entry.call(invocation, environment, warm_count, response)
    }

    /// Runs the library's `after` hook, on the thread that called the handler.
    pub fn after(&self, invocation: &Invocation, environment: &Environment, warm_count: u64) {
        ffi::after(&self.exports, invocation, environment, warm_count);
    }

    /// Runs the library's `before_snapshot` hook.
    pub fn before_snapshot(&self) -> Result<(), Failure> {
        ffi::before_snapshot(&self.exports)
    }

    /// Runs the library's `after_restore` hook.
    pub fn after_restore(&self) -> Result<(), Failure> {
        ffi::after_restore(&self.exports)
    }

    /// Whether it may be called on several threads at once.
    pub fn is_concurrent(&self) -> bool {
        self.entry.is_concurrent()
    }

    /// Whether the library has a `shutdown` hook.
    pub fn has_shutdown(&self) -> bool {
        self.exports.has_shutdown()
    }

    /// Runs the library's `shutdown` hook, and flushes the C streams.
    pub fn shut_down(&self) {
        ffi::shut_down(&self.exports);
    }

    /// Maps the library that `_HANDLER` names, and runs its constructors and its `init`. The
    /// library is never unmapped. `runtime` is the table of functions that it may call.
    pub fn load(
        environment: &Environment,
        host: &dyn Host,
        runtime: pilotlight_abi::Runtime,
    ) -> Result<(&'static Handler, Deferred), Failure> {
        let found = find(environment)?;
        let Found { path, file, .. } = &found;
        let size = pilotlight_abi::Library::MIN_SIZE as u64;
        let symbol = pilotlight_abi::LIBRARY_SYMBOL;
        let library = map::load(file, path, host, symbol, size);
        let library = library.map_err(|error| Failure::load(&error))?.keep();
        let Some(exports) = Exports::read(library) else {
            let defect = Defect::BadTable { what: "`pilotlight_library`" };
            return Err(Failure::load(&LoadError::new(path, defect)));
        };
        check_version(&exports, path)?;
        let entry = found.choose(&exports.handlers)?;
        // So far the library was only read. From here on, its code runs.
        host.register(path, library);
        config::load(environment)?;
        library.construct(&environment.arguments);
        ffi::initialise(&exports, runtime)?;
        config::STORE.end_start();
        Ok((
            Box::leak(Box::new(Handler { entry, exports })),
            Deferred { library, _file: found.file },
        ))
    }
}

/// Work postponed until the first `/next` is in flight, when no caller waits for the runtime.
#[derive(Debug)]
pub struct Deferred {
    library: &'static Library,
    _file: File,
}

impl Deferred {
    /// Makes the RELRO segment read-only, and closes the file. Call it before the first event is
    /// read: until then the library has seen no input.
    pub fn finish(self) {
        if let Err(errno) = self.library.protect() {
            log::warn(format_args!("RELRO stays writable ({errno})"));
        }
    }
}

/// The handler's library, and the name of the handler in it.
struct Found {
    path: CString,
    file: File,
    name: Option<&'static [u8]>,
    /// Whether the executable carries the library. Then a name is needed only to choose.
    is_carried: bool,
}

/// Opens the library that the executable carries, or else that which `_HANDLER` names.
fn find(environment: &Environment) -> Result<Found, Failure> {
    let carried = package::carried();
    if carried == Ok(None) {
        let spec = HandlerSpec::parse(environment)?;
        let (path, file) = spec.open(File::open)?;
        return Ok(Found { path, file, name: spec.name, is_carried: false });
    }
    let path = sys::started_path();
    let open = |carried: Option<Package>| {
        let part = carried.ok_or(Defect::BadPackage)?.handler;
        File::open_part(part).map_err(unreadable)
    };
    let file = carried.and_then(open);
    let file = file.map_err(|defect| Failure::load(&LoadError::new(path, defect)))?;
    let name = environment.handler.and_then(|handler| handler.rsplit(|&byte| byte == b'.').next());
    Ok(Found { path: path.into(), file, name, is_carried: true })
}

impl Found {
    /// Chooses the handler with this name, or the only one.
    fn choose(&self, handlers: &[(&CStr, HandlerFn)]) -> Result<HandlerFn, Failure> {
        let known = |failure: &str| {
            let mut message = format!("{} {failure}", self.path.to_string_lossy());
            for (index, (name, _)) in handlers.iter().enumerate() {
                message.push_str(if index == 0 { " `" } else { ", `" });
                message.push_str(&name.to_string_lossy());
                message.push('`');
            }
            message
        };
        let message = match (self.name, handlers) {
            (name, [(_, only)]) if name.is_none() || self.is_carried => return Ok(*only),
            (None | Some(b""), _) => {
                let message = known("has the handlers");
                format!("{message}; set the function's handler to <file>.<name>")
            }
            (Some(name), _) => match handlers.iter().find(|(known, _)| known.to_bytes() == name) {
                Some((_, entry)) => return Ok(*entry),
                None => {
                    let name = String::from_utf8_lossy(name);
                    known(&format!("has no handler `{name}`; it has"))
                }
            },
        };
        Err(Failure::init("Runtime.NoSuchHandler", message))
    }
}

/// Refuses a library that was built for an incompatible ABI version.
fn check_version(exports: &Exports, path: &CStr) -> Result<(), Failure> {
    match abi_mismatch(exports.abi_version) {
        None => Ok(()),
        Some(mismatch) => {
            let message = format!("{} {mismatch}", path.to_string_lossy());
            Err(Failure::init("Runtime.HandlerAbiMismatch", message))
        }
    }
}
