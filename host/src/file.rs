//! Files opened for reading: whole, in parts, or to be mapped. A library that the executable
//! carries is a file of its own here.

use alloc::vec::Vec;
use core::ffi::CStr;
use core::ffi::c_int;

use pilotlight_loader::Defect;
use pilotlight_loader::package::Part;

use crate::errno::Errno;
use crate::sys::close;
use crate::sys::own_descriptor;
use crate::sys::retry_eintr;

/// Bytes of the bootstrap itself, with room to grow.
const MAX_BOOTSTRAP: u64 = 320 << 10;

/// A file opened for reading, or a part of one.
#[derive(Debug)]
pub struct File {
    descriptor: c_int,
    part: Option<Part>,
}

impl File {
    /// Opens a file.
    pub fn open(path: &CStr) -> Result<File, Errno> {
        let flags = libc::O_RDONLY | libc::O_CLOEXEC;
        // musl's `open` sets O_CLOEXEC with a second call, for kernels before 2.6.23.
        // SAFETY: `path` ends with NUL, as its type promises.
        let descriptor =
            unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags) };
        let descriptor = own_descriptor(c_int::try_from(descriptor).unwrap_or(-1))?;
        Ok(File { descriptor, part: None })
    }

    /// Opens a part of the running executable.
    pub fn open_part(part: Part) -> Result<File, Errno> {
        let mut file = File::open(c"/proc/self/exe")?;
        file.part = Some(part);
        Ok(file)
    }

    /// The length in bytes. It must be a regular file.
    pub(crate) fn size(&self) -> Result<u64, Defect> {
        let size = self.whole_size().map_err(unreadable)?;
        match self.part {
            None => Ok(size),
            Some(part) if part.offset.saturating_add(part.size) <= size => Ok(part.size),
            Some(_) => {
                Err(Defect::Truncated { what: "a library that it carries", file_size: size })
            }
        }
    }

    fn whole_size(&self) -> Result<u64, Errno> {
        let mut status = core::mem::MaybeUninit::<libc::stat>::uninit();
        // SAFETY: fstat writes a `stat` to `status`.
        if unsafe { libc::fstat(self.descriptor, status.as_mut_ptr()) } != 0 {
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
            let read = retry_eintr(|| unsafe { libc::read(self.descriptor, to, room) })?;
            if read == 0 {
                return Ok(bytes);
            }
            // SAFETY: the kernel wrote `read` bytes after the vector's length.
            unsafe { bytes.set_len(bytes.len() + read) };
        }
    }

    /// Fills `bytes` from `offset` on; EIO if the file ends before.
    pub(crate) fn read_at(&self, mut bytes: &mut [u8], offset: u64) -> Result<(), Errno> {
        let mut offset = offset.wrapping_add(self.start());
        while !bytes.is_empty() {
            let (to, room) = (bytes.as_mut_ptr().cast(), bytes.len());
            let from = offset.cast_signed();
            // SAFETY: the kernel writes at most `room` bytes to `to`.
            let read = retry_eintr(|| unsafe { libc::pread(self.descriptor, to, room, from) })?;
            if read == 0 {
                return Err(Errno(libc::EIO));
            }
            bytes = &mut bytes[read..];
            offset += read as u64;
        }
        Ok(())
    }

    /// Whether the last of `size` bytes is in the page cache, as far as the kernel can tell. (The
    /// first of a part may have been read together with the executable.)
    pub(crate) fn is_cached(&self, size: u64) -> bool {
        let mut byte = 0u8;
        let part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        let (descriptor, last) = (self.descriptor, self.start().wrapping_add(size - 1));
        // SAFETY: the kernel writes at most one byte to `byte`. (The last 0 is the offset's upper
        // half on 32-bit CPUs.)
        let read = unsafe {
            libc::syscall(
                libc::SYS_preadv2,
                descriptor,
                &raw const part,
                1,
                last,
                0,
                libc::RWF_NOWAIT,
            )
        };
        read >= 0 || Errno::last() != Errno(libc::EAGAIN)
    }

    /// Starts reading the first `size` bytes from storage, without waiting; of the first part, the
    /// bytes of the executable before it as well, because the rest of the start needs them.
    pub(crate) fn read_ahead(&self, size: u64) {
        let start = self.start();
        // Before another part lies the handler's library, which may be large.
        let from = if start <= MAX_BOOTSTRAP { 0 } else { start };
        let (offset, length) = (from.cast_signed(), (start - from + size).cast_signed());
        // SAFETY: the call has no pointer. It is advice, and may fail.
        unsafe { libc::posix_fadvise(self.descriptor, offset, length, libc::POSIX_FADV_WILLNEED) };
    }

    /// The descriptor, for mapping the file from [`File::start`] on.
    pub(crate) fn descriptor(&self) -> c_int {
        self.descriptor
    }

    /// The offset at which the descriptor has the file's first byte.
    pub(crate) fn start(&self) -> u64 {
        self.part.map_or(0, |part| part.offset)
    }

    /// The part of the running executable that it is.
    pub(crate) fn part(&self) -> Option<Part> {
        self.part
    }
}

/// The defect of a file that cannot be opened or read.
pub fn unreadable(errno: Errno) -> Defect {
    Defect::Unreadable { reason: errno.words() }
}

impl Drop for File {
    fn drop(&mut self) {
        close(self.descriptor);
    }
}
