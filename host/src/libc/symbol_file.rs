//! A file of its own for the handler's library, if the executable carries it: Rust's backtraces
//! open the path that `dl_iterate_phdr` names, and read symbols from the start of that file.

use alloc::ffi::CString;
use alloc::format;
use core::ffi::CStr;

use pilotlight_loader::package::Part;

use crate::errno::Errno;
use crate::file::File;
use crate::package;
use crate::sync::once::Once;
use crate::sync::once::OnceBox;
use crate::sys::own_descriptor;
use crate::sys::retry_eintr;

static COPIED: Once = Once::untried();
static PATH: OnceBox<CString> = OnceBox::empty();

/// The path of a copy in memory, which the first call makes; None for another part than the
/// handler's, and if it fails.
pub fn of_handler(part: Part) -> Option<&'static CStr> {
    package::carried().ok()?.filter(|carried| carried.handler == part)?;
    COPIED.run(|| {
        if let Ok(path) = copy(part) {
            PATH.set(path);
        }
    });
    PATH.get().map(CString::as_c_str)
}

fn copy(part: Part) -> Result<CString, Errno> {
    let file = File::open_part(part)?;
    // SAFETY: the name ends with NUL.
    let memory = unsafe { libc::memfd_create(c"handler".as_ptr(), libc::MFD_CLOEXEC) };
    let memory = own_descriptor(memory)?;
    let mut copied = 0;
    while copied < part.size {
        let mut offset = (part.offset + copied).cast_signed();
        let at = &raw mut offset;
        let size = usize::try_from(part.size - copied).unwrap_or(usize::MAX);
        // SAFETY: the offset outlives the call, and the kernel moves it on.
        let more = retry_eintr(|| unsafe { libc::sendfile(memory, file.descriptor(), at, size) })?;
        if more == 0 {
            return Err(Errno(libc::EIO));
        }
        copied += more as u64;
    }
    CString::new(format!("/proc/self/fd/{memory}")).map_err(|_| Errno(libc::EIO))
}
