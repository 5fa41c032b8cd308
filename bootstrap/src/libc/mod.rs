//! The C library as handlers see it: musl, behind the names of `exports.txt`.

#[allow(unsafe_code)]
mod dl;
#[allow(unsafe_code)]
mod exit;
#[allow(unsafe_code)]
pub mod heap;
#[allow(unsafe_code)]
mod lazy;
#[allow(unsafe_code)]
mod libc_module;
#[allow(unsafe_code)]
mod threads;
#[allow(unsafe_code)]
mod tls;
#[allow(unsafe_code)]
mod unwind;

use core::ffi::CStr;

pub use self::dl::locate;
pub use self::threads::prepare_first_thread;
pub use self::threads::start_thread;

use crate::loader::Host;
use crate::loader::Library;
use crate::loader::Provider;
use crate::loader::TlsPlace;
use crate::loader::TlsTemplate;

/// The tables that `build.rs` makes of `exports.txt`.
#[allow(unsafe_code)]
mod table {
    use core::sync::atomic::AtomicUsize;

    include!(concat!(env!("OUT_DIR"), "/exports.rs"));
}

/// The address of an exported symbol, by the hash of its name.
pub fn export(hash: u64) -> Option<u64> {
    let buckets = table::BUCKETS.len() as u64 - 1;
    let bucket = usize::try_from(hash % buckets).unwrap_or(0);
    let range = usize::from(table::BUCKETS[bucket])..usize::from(table::BUCKETS[bucket + 1]);
    let found = range.into_iter().find(|&index| table::HASHES[index] == hash)?;
    Some(u64::from(table::pilotlight_export_addresses[found]))
}

/// This process, to the libraries that it maps.
pub struct Process;

impl Provider for Process {
    fn symbol(&self, hash: u64) -> Option<u64> {
        export(hash)
    }

    fn rare_symbol(&self, name: &[u8]) -> Option<u64> {
        libc_module::symbol(name)
    }

    fn reserve_tls(&self, template: &TlsTemplate) -> TlsPlace {
        tls::reserve(template)
    }
}

impl Host for Process {
    fn register(&self, path: &CStr, library: &'static Library) {
        threads::set_stack_size();
        dl::register(path, library);
        if let Some((template, place)) = &library.tls {
            tls::register(template, *place);
        }
    }

    fn catch_up(&self) {
        tls::catch_up();
    }
}
