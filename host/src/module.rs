//! The layer's modules: libraries that ship with the bootstrap and are mapped on first use.

use alloc::ffi::CString;

use pilotlight_loader::Defect;
use pilotlight_loader::LoadError;
use pilotlight_loader::Provider;

use crate::errno::Errno;
use crate::file::File;
use crate::log;
use crate::map;
use crate::map::Library;
use crate::sys;

/// Maps a module forever, and finds a symbol of at least `size` bytes. If the file is missing or
/// damaged, logs the error and returns None. `name` is relative to the bootstrap's folder: `/opt`
/// on Lambda.
pub fn map(
    name: &str,
    host: &dyn Provider,
    symbol: &'static str,
    size: u64,
) -> Option<(CString, &'static Library)> {
    let mut path = sys::executable_folder();
    path.extend_from_slice(name.as_bytes());
    let path = CString::new(path).unwrap_or_default();
    let library = match File::open(&path) {
        Ok(file) => map::load(&file, &path, host, symbol, size).and_then(|library| {
            let failed =
                |errno: Errno| LoadError::new(&path, Defect::MapFailed { reason: errno.words() });
            library.protect().map_err(failed).map(|()| library)
        }),
        Err(errno) => Err(LoadError::new(&path, map::unreadable(errno))),
    };
    match library {
        Ok(library) => Some((path, library.keep())),
        Err(error) => refuse(&error),
    }
}

/// Logs a module's error. Called once per process: all invocations continue without the module.
pub fn refuse<T>(error: &LoadError) -> Option<T> {
    log::error(format_args!("{error}"));
    None
}
