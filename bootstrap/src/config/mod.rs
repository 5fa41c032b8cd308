//! Cached configuration: declarations, and values that handlers read at memory speed. The layer's
//! module `services` fetches them on other threads; see [`store`] for the times.

#[allow(unsafe_code)] // counts references by hand
mod cell;
pub mod declaration;
#[allow(unsafe_code)] // pointers of handlers and of the module
mod ffi;
pub mod store;
#[cfg(test)]
mod tests;

pub use self::ffi::declare;
pub use self::ffi::host;
pub use self::ffi::read;
pub use self::ffi::release;

use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pilotlight_host::file::File;

use self::declaration::Declaration;
use self::store::Store;
use crate::environment::Environment;
use crate::failure::Failure;

/// The values of this process.
pub static STORE: Store = Store::new(None);

/// Adds the declarations of `PILOTLIGHT_CONFIG`. Call it before the library's own start-up code,
/// which may declare more.
pub fn load(environment: &'static Environment) -> Result<(), Failure> {
    ffi::set_environment(environment);
    let Some(text) = environment.config else {
        return Ok(());
    };
    let folder = environment.task_root.filter(|folder| !folder.is_empty()).unwrap_or(b".");
    let mut items = declaration::items(text);
    let added = items.try_for_each(|item| match item {
        [b'@', file @ ..] => add_file(folder, file, item),
        item => add(item),
    });
    added.map_err(|mistake| Failure::init("Runtime.InvalidConfig", mistake))
}

/// Adds one declaration. Err quotes it, and says what was expected.
fn add(text: &'static [u8]) -> Result<(), String> {
    let added = Declaration::parse(text).and_then(|declaration| STORE.add(declaration));
    added.map_err(|expected| mistake(text, expected))
}

fn mistake(text: &[u8], expected: &str) -> String {
    let text = String::from_utf8_lossy(text);
    format!("configuration `{text}`: expected {expected}")
}

fn add_file(folder: &[u8], file: &[u8], item: &[u8]) -> Result<(), String> {
    let path = CString::new([folder, b"/", file].concat()).unwrap_or_default();
    let text = File::open(&path).and_then(|file| file.read());
    let text =
        text.map_err(|_| mistake(item, "@ and a readable file of the function's package"))?;
    let text: &'static [u8] = Vec::leak(text);
    declaration::lines(text).try_for_each(add)
}
