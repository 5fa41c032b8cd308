//! The layer's modules: libraries that ship beside the bootstrap and are mapped when they are needed.

use alloc::ffi::CString;
use alloc::format;

use crate::file::File;
use crate::loader;
use crate::loader::Defect;
use crate::loader::Library;
use crate::loader::LoadError;
use crate::loader::Provider;
use crate::log;
use crate::sys;

/// Maps a module for good, and finds a symbol with `size` bytes behind it; None, and a line in the log,
/// if the file is missing or damaged. `name` is relative to the folder that the bootstrap is in: `/opt`
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
        Ok(file) => loader::load(&file, &path, host, symbol, size).and_then(|library| {
            let failed = |errno| LoadError::new(&path, Defect::MapFailed { errno });
            library.protect().map_err(failed).map(|()| library)
        }),
        Err(errno) => Err(LoadError::new(&path, Defect::Unreadable { errno })),
    };
    match library {
        Ok(library) => Some((path, library.keep())),
        Err(error) => refuse(&error),
    }
}

/// Says in the log what is wrong with a module, once for all invocations, which go on without it.
pub fn refuse<T>(error: &LoadError) -> Option<T> {
    log::own(log::ERROR, &format!("{error}"));
    None
}
