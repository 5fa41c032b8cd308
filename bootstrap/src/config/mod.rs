//! Cached configuration: what is declared, and the values that handlers read at memory speed. The layer's
//! module `services` fetches them, beside the handler; see [`store`] for when.

#[allow(unsafe_code)]
mod cell;
mod declaration;
#[allow(unsafe_code)]
mod foreign;
pub mod store;
#[cfg(test)]
mod tests;

pub use self::foreign::declare;
pub use self::foreign::host;
pub use self::foreign::read;
pub use self::foreign::release;

use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use self::declaration::Declaration;
use self::store::Store;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::sys::File;

/// The values of this process.
pub static STORE: Store = Store::new(foreign::begin);

/// Takes what `PILOTLIGHT_CONFIG` declares. To be called before the library's own start-up work, which
/// may declare more.
pub fn load(environment: &'static Environment) -> Result<(), Failure> {
    foreign::remember(environment);
    let Some(text) = environment.config else {
        return Ok(());
    };
    let folder = environment.task_root.filter(|folder| !folder.is_empty()).unwrap_or(b".");
    for item in declaration::items(text) {
        let added = match item {
            [b'@', file @ ..] => add_file(folder, file),
            item => add(item),
        };
        added.map_err(|mistake| Failure::init("Runtime.InvalidConfig", mistake))?;
    }
    Ok(())
}

fn add(text: &'static [u8]) -> Result<(), String> {
    STORE.add(Declaration::parse(text)?)
}

fn add_file(folder: &[u8], file: &[u8]) -> Result<(), String> {
    let path = CString::new([folder, b"/", file].concat()).unwrap_or_default();
    let text = File::open(&path).and_then(|file| file.read()).map_err(|errno| {
        let file = String::from_utf8_lossy(file);
        format!(
            "PILOTLIGHT_CONFIG: `@{file}`: expected a file of the package (system error {errno})"
        )
    })?;
    let text: &'static [u8] = Vec::leak(text);
    declaration::lines(text).try_for_each(add)
}
