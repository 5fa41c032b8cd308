//! Files out of the page cache, so that the next start reads them from storage again.

use std::fs::File;
use std::path::PathBuf;

use rustix::fs::Advice;

/// Evicts these files. Pages that another process maps stay, as those of the system's C library do:
/// what was really read from storage is measured beside the time.
pub fn evict(files: &[PathBuf]) {
    for file in files {
        // A file that is gone, or that nobody may read, has no pages to evict.
        if let Ok(file) = File::open(file) {
            // Pages that are not written back yet would stay.
            let _ = file.sync_all();
            let _ = rustix::fs::fadvise(&file, 0, None, Advice::DontNeed);
        }
    }
}
