//! The symbols that the runtime provides, by its lists: for judging a library without mapping it.

use alloc::collections::BTreeSet;

use super::provided;
use super::relocate::Provider;
use super::symbol_hash::symbol_hash;
use super::tls;
use super::tls::TlsPlace;
use super::tls::TlsTemplate;

/// The address given to every symbol that the lists hold.
const PLACEHOLDER_ADDRESS: u64 = 0x1000;

/// The symbols of the bootstrap and of the layer's `pilotlight/libc.so`.
#[derive(Debug)]
pub struct SymbolCatalog {
    bootstrap: BTreeSet<u64>,
    module: BTreeSet<&'static str>,
}

impl Default for SymbolCatalog {
    fn default() -> SymbolCatalog {
        let names = |list| provided::entries(list).map(|(name, _)| name);
        let hashed = |name: &'static str| symbol_hash(name.as_bytes());
        SymbolCatalog {
            bootstrap: names(provided::BOOTSTRAP).map(hashed).collect(),
            module: names(provided::MODULE).collect(),
        }
    }
}

impl SymbolCatalog {
    /// Whether the bootstrap itself has the symbol.
    pub fn has(&self, name: &str) -> bool {
        self.symbol(symbol_hash(name.as_bytes())).is_some()
    }

    /// The symbols of a bootstrap that carries its libraries, and not `pilotlight/libc.so`.
    pub fn without_module() -> SymbolCatalog {
        SymbolCatalog { module: BTreeSet::new(), ..SymbolCatalog::default() }
    }

    /// Whether `pilotlight/libc.so` has the symbol.
    pub fn can_fetch(&self, name: &str) -> bool {
        self.module.contains(name)
    }
}

impl Provider for SymbolCatalog {
    fn symbol(&self, hash: u64) -> Option<u64> {
        self.bootstrap.contains(&hash).then_some(PLACEHOLDER_ADDRESS)
    }

    fn rare_symbol(&self, name: &[u8]) -> Option<u64> {
        let name = str::from_utf8(name).ok()?;
        self.can_fetch(name).then_some(PLACEHOLDER_ADDRESS)
    }

    fn reserve_tls(&self, template: &TlsTemplate) -> TlsPlace {
        let range = tls::reserve_range(0, template);
        TlsPlace { module: 0, thread_pointer_offset: range.map(|range| range.start) }
    }

    fn tls_descriptor(&self, _place: TlsPlace, offset: u64) -> [u64; 2] {
        [PLACEHOLDER_ADDRESS, offset]
    }
}
