//! Cached configuration: declarations, and values that handlers read at memory speed. The layer's
//! module `services` fetches them on other threads; see [`store`] for the times.
//!
//! The last fetched value of each declaration is kept. It is stale once its TTL has passed without
//! a successful fetch; a stale value is still served until a fetch brings a new one.

pub mod declaration;
mod fetched;
#[allow(unsafe_code)] // Pointers of the module.
mod fetcher;
#[allow(unsafe_code)] // Pointers of handlers.
mod ffi;
pub mod store;
#[cfg(test)]
mod tests;

pub use self::fetcher::fetch_with;
pub use self::ffi::declare;
pub use self::ffi::read;
pub use self::ffi::release;
pub use self::store::STORE;

use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec::Vec;

use pilotlight_host::file::File;

use self::store::mistake;
use crate::environment::Environment;
use crate::failure::Failure;

/// Adds the declarations of `PILOTLIGHT_CONFIG`. Call it before the library's own start-up code,
/// which may declare more.
pub fn load(environment: &Environment) -> Result<(), Failure> {
    let Some(text) = environment.config else {
        return Ok(());
    };
    let folder = environment.task_root.filter(|folder| !folder.is_empty()).unwrap_or(b".");
    let mut items = declaration::items(text);
    let added = items.try_for_each(|item| match item {
        [b'@', file @ ..] => add_file(folder, file, item),
        item => STORE.declare(item),
    });
    added.map_err(|mistake| Failure::init("Runtime.InvalidConfig", mistake))
}

fn add_file(folder: &[u8], file: &[u8], item: &[u8]) -> Result<(), String> {
    let path = CString::new([folder, b"/", file].concat()).unwrap_or_default();
    let text = File::open(&path).and_then(|file| file.read());
    let text =
        text.map_err(|_| mistake(item, "@ and a readable file of the function's package"))?;
    let text: &'static [u8] = Vec::leak(text);
    declaration::lines(text).try_for_each(|line| STORE.declare(line))
}
