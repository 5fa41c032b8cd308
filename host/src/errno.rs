//! The system's error numbers.

use core::error::Error;
use core::ffi::CStr;
use core::fmt;

/// An error number of the system (`errno`). Its text is the C library's, such as "Permission
/// denied".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

impl Errno {
    /// The calling thread's: that of its last system call that failed.
    pub fn last() -> Errno {
        // SAFETY: the call has no argument.
        let location = unsafe { libc::__errno_location() };
        // SAFETY: libc returns the location of the calling thread's error number.
        Errno(unsafe { *location })
    }

    /// Its text.
    pub fn words(self) -> &'static str {
        // Linux has no larger number. (The system's C library prints those into a buffer.)
        if self.0 > libc::EHWPOISON {
            return "unknown error";
        }
        // SAFETY: the call has no pointer.
        let text = unsafe { libc::strerror(self.0) };
        // SAFETY: the C library's text of a number that Linux has is a constant.
        let text: &'static CStr = unsafe { CStr::from_ptr(text) };
        text.to_str().unwrap_or_default()
    }

    /// Makes it the calling thread's, as failing C functions do.
    pub fn set(self) {
        // SAFETY: the call has no argument.
        let location = unsafe { libc::__errno_location() };
        // SAFETY: libc returns the location of the calling thread's error number.
        unsafe { *location = self.0 };
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl Error for Errno {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_number_is_printed_as_words() {
        assert_eq!(Errno(libc::EACCES).to_string(), "Permission denied");
        assert_eq!(Errno(libc::ENOENT).to_string(), "No such file or directory");
        assert_eq!(Errno(9999).to_string(), "unknown error");
    }

    #[test]
    fn the_last_number_is_what_was_set() {
        Errno(libc::EDOM).set();
        assert_eq!(Errno::last(), Errno(libc::EDOM));
    }
}
