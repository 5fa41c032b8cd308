//! Files opened for reading: whole, in parts, or to be mapped.

use alloc::vec::Vec;
use core::ffi::CStr;
use core::ffi::c_int;

use crate::errno::Errno;
use crate::sys::close;
use crate::sys::own_descriptor;
use crate::sys::retry_eintr;

/// A file opened for reading.
#[derive(Debug)]
pub struct File(c_int);

impl File {
    /// Opens a file.
    pub fn open(path: &CStr) -> Result<File, Errno> {
        let flags = libc::O_RDONLY | libc::O_CLOEXEC;
        // musl's `open` sets O_CLOEXEC with a second call, for kernels before 2.6.23.
        // SAFETY: `path` ends with NUL, as its type promises.
        let descriptor =
            unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags) };
        own_descriptor(c_int::try_from(descriptor).unwrap_or(-1)).map(File)
    }

    /// The length in bytes; EISDIR if it is not a regular file.
    pub(crate) fn size(&self) -> Result<u64, Errno> {
        let mut status = core::mem::MaybeUninit::<libc::stat>::uninit();
        // SAFETY: fstat writes a `stat` to `status`.
        if unsafe { libc::fstat(self.0, status.as_mut_ptr()) } != 0 {
            return Err(Errno::last());
        }
        // SAFETY: fstat succeeded, so `status` is initialised.
        let status = unsafe { status.assume_init() };
        if status.st_mode & libc::S_IFMT != libc::S_IFREG {
            return Err(Errno(libc::EISDIR));
        }
        Ok(u64::try_from(status.st_size).unwrap_or(0))
    }

    /// Reads from the current position to the end.
    pub fn read(&self) -> Result<Vec<u8>, Errno> {
        let mut bytes: Vec<u8> = Vec::new();
        loop {
            bytes.reserve(4096);
            let spare = bytes.spare_capacity_mut();
            let (to, room) = (spare.as_mut_ptr().cast(), spare.len());
            // SAFETY: the kernel writes at most `room` bytes to `to`.
            let read = retry_eintr(|| unsafe { libc::read(self.0, to, room) })?;
            if read == 0 {
                return Ok(bytes);
            }
            // SAFETY: the kernel wrote `read` bytes after the vector's length.
            unsafe { bytes.set_len(bytes.len() + read) };
        }
    }

    /// Fills `bytes` from `offset` on; EIO if the file ends before.
    pub(crate) fn read_at(&self, mut bytes: &mut [u8], mut offset: u64) -> Result<(), Errno> {
        while !bytes.is_empty() {
            let (to, room) = (bytes.as_mut_ptr().cast(), bytes.len());
            let from = offset.cast_signed();
            // SAFETY: the kernel writes at most `room` bytes to `to`.
            let read = retry_eintr(|| unsafe { libc::pread(self.0, to, room, from) })?;
            if read == 0 {
                return Err(Errno(libc::EIO));
            }
            bytes = &mut bytes[read..];
            offset += read as u64;
        }
        Ok(())
    }

    /// Whether the first byte is in the page cache, as far as the kernel can tell.
    pub(crate) fn is_cached(&self) -> bool {
        let mut byte = 0u8;
        let part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        // SAFETY: the kernel writes at most one byte to `byte`. (An offset of 0, in two halves.)
        let read = unsafe {
            libc::syscall(libc::SYS_preadv2, self.0, &raw const part, 1, 0, 0, libc::RWF_NOWAIT)
        };
        read >= 0 || Errno::last() != Errno(libc::EAGAIN)
    }

    /// The descriptor, for mapping the file.
    pub(crate) fn descriptor(&self) -> c_int {
        self.0
    }
}

impl Drop for File {
    fn drop(&mut self) {
        close(self.0);
    }
}
