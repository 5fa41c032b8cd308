//! The layer's modules: libraries that ship with the bootstrap and are mapped on first use.

use alloc::ffi::CString;
use alloc::vec::Vec;

use pilotlight_loader::Defect;
use pilotlight_loader::LoadError;
use pilotlight_loader::Provider;
use pilotlight_loader::package::Package;
use pilotlight_loader::package::Part;

use crate::errno::Errno;
use crate::file::File;
use crate::file::unreadable;
use crate::log;
use crate::map;
use crate::map::Library;
use crate::package;
use crate::sys;

/// A module of the layer.
#[derive(Debug)]
pub struct Module {
    /// The file's path, relative to the bootstrap's folder: `/opt` on Lambda.
    pub path: &'static str,
    /// Its bytes in a bootstrap that carries its libraries.
    pub part: fn(&Package) -> Option<Part>,
}

/// Maps a module forever, and finds a symbol of at least `size` bytes. If the file is missing or
/// damaged, logs the error and returns None.
pub fn map(
    module: &Module,
    host: &dyn Provider,
    symbol: &'static str,
    size: u64,
) -> Option<(CString, &'static Library)> {
    let carried = package::carried().ok().flatten();
    let part = carried.as_ref().and_then(module.part);
    let path = match part {
        Some(_) => sys::executable_path(),
        None => path_in_layer(module),
    };
    let path = CString::new(path).unwrap_or_default();
    let file = part.map_or_else(|| File::open(&path), File::open_part);
    let library = match file {
        Ok(file) => map::load(&file, &path, host, symbol, size).and_then(|library| {
            let failed =
                |errno: Errno| LoadError::new(&path, Defect::MapFailed { reason: errno.words() });
            library.protect().map_err(failed).map(|()| library)
        }),
        Err(errno) => Err(LoadError::new(&path, unreadable(errno))),
    };
    match library {
        Ok(library) => Some((path, library.keep())),
        Err(error) => refuse(&error),
    }
}

fn path_in_layer(module: &Module) -> Vec<u8> {
    let mut path = sys::executable_path();
    let folder = path.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    path.truncate(folder);
    path.extend_from_slice(module.path.as_bytes());
    path
}

/// Logs a module's error. Called once per process: all invocations continue without the module.
pub fn refuse<T>(error: &LoadError) -> Option<T> {
    log::error(format_args!("{error}"));
    None
}
