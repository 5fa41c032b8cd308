//! Safe functions for system calls. ([`crate::map`] alone maps memory, and [`crate::file`] reads
//! files.)

pub mod clock;
pub mod resolver;
pub mod socket;

use alloc::vec::Vec;
use core::ffi::CStr;
use core::ffi::c_char;
use core::ffi::c_int;
use core::ptr;
use core::sync::atomic::AtomicU32;

use crate::errno::Errno;

/// Sleeps; a signal may end it early.
pub fn pause(milliseconds: u32) {
    // SAFETY: the list of descriptors is empty.
    unsafe { libc::poll(ptr::null_mut(), 0, milliseconds.cast_signed()) };
}

/// Blocks the calling thread until the process ends.
pub(crate) fn park() -> ! {
    loop {
        pause(u32::MAX);
    }
}

/// Sleeps while `word` is `value`, until [`wake`] or the timeout. It may return early.
pub fn wait(word: &AtomicU32, value: u32, milliseconds: Option<u64>) {
    let time = milliseconds.map(|milliseconds| libc::timespec {
        tv_sec: (milliseconds / 1000).cast_signed(),
        tv_nsec: (milliseconds % 1000 * 1_000_000).cast_signed(),
    });
    let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
    let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word and the time outlive the call.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, value, time) };
}

/// Wakes every thread that waits on `word`.
pub fn wake(word: &AtomicU32) {
    let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the kernel uses only the address.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, i32::MAX) };
}

/// The path of the running executable. Without `/proc`, it is the path that `execve` was given.
pub(crate) fn executable_path() -> Vec<u8> {
    let mut path: Vec<u8> = Vec::with_capacity(4096);
    let room = path.capacity();
    // SAFETY: the kernel writes at most `room` bytes to the vector's spare capacity.
    let size =
        unsafe { libc::readlink(c"/proc/self/exe".as_ptr(), path.as_mut_ptr().cast(), room) };
    match usize::try_from(size) {
        // SAFETY: the kernel wrote `size` bytes.
        Ok(size) => unsafe { path.set_len(size) },
        Err(_) => path.extend_from_slice(started_path().to_bytes()),
    }
    // The next allocation then reuses a page that is already mapped.
    path.shrink_to_fit();
    path
}

/// The path that `execve` was given.
pub fn started_path() -> &'static CStr {
    // SAFETY: reads the auxiliary vector, which the kernel put on the stack.
    let path = unsafe { libc::getauxval(libc::AT_EXECFN) };
    let path: *const c_char = ptr::with_exposed_provenance(usize::try_from(path).unwrap_or(0));
    if path.is_null() {
        return c"";
    }
    // SAFETY: a string that the kernel put on the stack; it never changes.
    unsafe { CStr::from_ptr(path) }
}

/// Takes ownership of a descriptor that a system call returned. The
/// runtime never uses the numbers of the standard streams, because output of the handler would
/// reach the descriptor: if a closed stream had freed one, the descriptor moves, and `/dev/null`
/// takes its place.
pub(crate) fn own_descriptor(descriptor: c_int) -> Result<c_int, Errno> {
    if descriptor < 0 {
        return Err(Errno::last());
    }
    if descriptor > libc::STDERR_FILENO {
        return Ok(descriptor);
    }
    // SAFETY: the call has no pointer.
    let moved = unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, libc::STDERR_FILENO + 1) };
    let moved = if moved < 0 { Err(Errno::last()) } else { Ok(moved) };
    close(descriptor);
    loop {
        // SAFETY: the path ends with NUL.
        let null = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) };
        if null > libc::STDERR_FILENO {
            close(null);
        }
        if !(0..=libc::STDERR_FILENO).contains(&null) {
            return moved;
        }
    }
}

/// Closes a descriptor that the caller owns.
pub(crate) fn close(descriptor: c_int) {
    // SAFETY: the call has no pointer.
    unsafe { libc::close(descriptor) };
}

/// Repeats a system call that a signal interrupted; returns its byte count.
pub(crate) fn retry_eintr(call: impl Fn() -> isize) -> Result<usize, Errno> {
    loop {
        match usize::try_from(call()) {
            Ok(count) => return Ok(count),
            Err(_) if Errno::last() == Errno(libc::EINTR) => {}
            Err(_) => return Err(Errno::last()),
        }
    }
}

unsafe extern "C" {
    /// In the executable, the function that handlers get: it does not wait for streams that are
    /// being read.
    #[cfg_attr(feature = "static", link_name = "pilotlight_fflush")]
    fn fflush(stream: *mut libc::FILE) -> c_int;
}

/// Writes the buffered output of every C stream.
pub fn flush_streams() {
    // SAFETY: null means every stream.
    unsafe { fflush(ptr::null_mut()) };
}

/// Writes a line to standard error, ignoring errors.
pub fn log(line: &[u8]) {
    // SAFETY: the kernel reads `line.len()` bytes from `line`.
    unsafe { libc::write(2, line.as_ptr().cast(), line.len()) };
}

/// Ends the process through the C library, which runs exit handlers and flushes streams.
pub fn exit(code: i32) -> ! {
    // SAFETY: the call has no pointer; the caller ends the process on purpose.
    unsafe { libc::exit(code) }
}

/// Ends the process without exit handlers.
pub fn exit_at_once(code: i32) -> ! {
    // SAFETY: the call has no pointer; the caller ends the process on purpose.
    unsafe { libc::_exit(code) }
}
