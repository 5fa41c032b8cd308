//! Eviction of files from the page cache, so that the next start reads them from storage.

use std::fs::File;
use std::path::PathBuf;

use rustix::fs::Advice;

/// Evicts these files. Pages that another process maps stay, such as those of the system's C
/// library; the bytes that were really read from storage are therefore reported beside the time.
pub fn evict(files: &[PathBuf]) {
    for file in files {
        // A file that is missing or unreadable has no pages to evict.
        if let Ok(file) = File::open(file) {
            // The kernel does not evict dirty pages.
            let _ = file.sync_all();
            let _ = rustix::fs::fadvise(&file, 0, None, Advice::DontNeed);
        }
    }
}
