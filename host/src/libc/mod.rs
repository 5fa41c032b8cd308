//! The C library that handlers call: musl, under the names that the loader's `exports.txt` lists.

#[allow(unsafe_code)] // `dl_iterate_phdr` and its kin take and return C pointers.
mod dl;
#[allow(unsafe_code)] // `dlsym` takes and returns C pointers.
mod dlfcn;
#[allow(unsafe_code)] // Calls destructors by address, and C's `exit`.
mod exit;
#[allow(unsafe_code)] // Is the allocator.
mod heap;
#[allow(unsafe_code)] // Is called by assembly, and ends the process.
mod lazy;
#[allow(unsafe_code)] // Declares a variable of C.
mod libc_module;
#[allow(unsafe_code)] // System calls.
mod symbol_file;
#[allow(unsafe_code)] // Wraps `pthread_create`, and runs C destructors.
mod threads;
#[allow(unsafe_code)] // Writes to memory at an offset from the thread pointer.
mod tls;
#[allow(unsafe_code)] // Reads unwind tables by address.
mod unwind;
#[allow(unsafe_code)] // Reads a stack, and is called by the unwinder.
mod walk;

use core::ffi::CStr;

pub use self::dl::locate;
pub use self::heap::Heap;
pub use self::threads::prepare_first_thread;
pub use self::walk::WALKER;

use pilotlight_loader::Provider;
use pilotlight_loader::TlsPlace;
use pilotlight_loader::TlsTemplate;

use crate::errno::Errno;
use crate::map::Host;
use crate::map::Library;

/// The tables that `build.rs` generates from that list.
#[allow(unsafe_code)] // Declares symbols that `build.rs` defines in a file of assembly.
mod table {
    use core::sync::atomic::AtomicUsize;

    include!(concat!(env!("OUT_DIR"), "/exports.rs"));
}

/// The address of the exported symbol whose name has this hash.
pub fn export(hash: u64) -> Option<u64> {
    let buckets = table::BUCKETS.len() as u64 - 1;
    let bucket = usize::try_from(hash % buckets).unwrap_or(0);
    let range = usize::from(table::BUCKETS[bucket])..usize::from(table::BUCKETS[bucket + 1]);
    let found = range.into_iter().find(|&index| u64::from(table::TAGS[index]) == hash >> 32)?;
    Some(u64::from(table::pilotlight_export_addresses[found]))
}

/// The symbols, thread-local storage and threads that this process provides to the libraries it
/// maps.
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

    fn tls_descriptor(&self, place: TlsPlace, offset: u64) -> [u64; 2] {
        tls::descriptor(place, offset)
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

    fn start_thread(&self, work: &'static (dyn Fn() + Sync)) -> Result<(), Errno> {
        threads::start_thread(work)
    }
}
