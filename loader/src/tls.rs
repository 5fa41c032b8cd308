//! Thread-local storage: what a library needs, and where the process puts it.

use core::ops::Range;

/// Bytes in each thread's static block for the thread-locals of all libraries.
pub const TLS_RESERVE: u64 = 16384;

/// Limit on the libraries with thread-locals in one process: a handler and the layer's modules.
pub const MAX_TLS_LIBRARIES: usize = 8;

/// Alignment of that block.
pub const TLS_ALIGN: u64 = 64;

/// The template of a library's thread-locals: `PT_TLS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsTemplate {
    /// Address of the initial bytes, relative to the base.
    pub address: u64,
    /// Number of initial bytes.
    pub file_size: u64,
    /// Bytes in each thread; those after the initial ones are zero.
    pub memory_size: u64,
    /// Power of two.
    pub align: u64,
}

/// The location of a library's thread-locals, the same in every thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsPlace {
    /// First word of the argument of `__tls_get_addr`.
    pub module: u64,
    /// Offset from the thread pointer, modulo 2⁶⁴. Err is the number of bytes left in the reserve
    /// when the library's did not fit: then only `__tls_get_addr` and descriptors find them.
    pub thread_pointer_offset: Result<u64, u64>,
}

/// The bytes of the reserve that a library gets when `used` of them are taken. Err is the number of
/// bytes left when its thread-locals do not fit or would not be aligned.
pub fn reserve_range(used: u64, template: &TlsTemplate) -> Result<Range<u64>, u64> {
    let left = TLS_RESERVE - used;
    if template.align > TLS_ALIGN {
        return Err(left);
    }
    // The compiler aligned each thread-local relative to the template's own address.
    let skew = template.address % template.align;
    let start = used.next_multiple_of(template.align) + skew;
    let end = start.checked_add(template.memory_size).filter(|&end| end <= TLS_RESERVE);
    Ok(start..end.ok_or(left)?)
}
