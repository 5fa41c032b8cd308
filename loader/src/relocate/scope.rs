//! The context of a library's relocations, besides the file itself.

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::Defect;
use crate::tls::TlsPlace;
use crate::tls::TlsTemplate;

/// Missing symbols that a refusal names.
const MAX_NAMES: usize = 8;

/// The symbols and the thread-local storage of the process that maps a library.
pub trait Provider {
    /// The address of a symbol that the process provides, by its name's
    /// [`symbol_hash`](crate::symbol_hash()).
    fn symbol(&self, hash: u64) -> Option<u64>;

    /// The address of a symbol, by its name, for which the process has to map a module first.
    fn rare_symbol(&self, name: &[u8]) -> Option<u64>;

    /// Reserves space for a library's thread-locals in every thread.
    fn reserve_tls(&self, template: &TlsTemplate) -> TlsPlace;

    /// The two words of the descriptor of the thread-local at `offset` in such a space.
    fn tls_descriptor(&self, place: TlsPlace, offset: u64) -> [u64; 2];
}

/// The process, the library's place in it, and its thread-locals.
pub struct Scope<'a> {
    /// The base address.
    pub base: u64,
    /// The process in which undefined symbols are looked up.
    pub host: &'a dyn Provider,
    /// The location and the template of the library's thread-locals, if it has any.
    pub tls: Option<(TlsPlace, &'a TlsTemplate)>,
    /// Whether the library exports a heap of its own. Then the process's symbols come first.
    pub has_heap: bool,
}

/// The symbols that are missing.
#[derive(Default)]
pub struct Missing {
    /// Each once, although many relocations may refer to it.
    names: Vec<String>,
}

impl Missing {
    /// Adds a name, once.
    pub fn add(&mut self, name: &[u8]) {
        let name = String::from_utf8_lossy(name);
        if !self.names.iter().any(|known| *known == name) {
            self.names.push(name.into_owned());
        }
    }

    /// The refusal, if a symbol is missing.
    pub fn into_result(mut self) -> Result<(), Defect> {
        let count = self.names.len();
        if count == 0 {
            return Ok(());
        }
        self.names.truncate(MAX_NAMES);
        Err(Defect::MissingSymbols { names: self.names, count })
    }
}
