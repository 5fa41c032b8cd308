//! Sixteen bytes in a vector register (SSE2).

use core::arch::x86_64::__m128i;
use core::arch::x86_64::_mm_and_si128;
use core::arch::x86_64::_mm_cmpeq_epi8;
use core::arch::x86_64::_mm_loadu_si128;
use core::arch::x86_64::_mm_movemask_epi8;
use core::arch::x86_64::_mm_or_si128;
use core::arch::x86_64::_mm_set1_epi8;

/// Sixteen bytes.
#[derive(Clone, Copy, Debug)]
pub struct Block(__m128i);

impl Block {
    /// These bytes.
    #[inline]
    pub fn new(bytes: &[u8; 16]) -> Block {
        // SAFETY: the reference is to sixteen bytes, which need no alignment.
        Block(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
    }

    /// Sixteen times the same byte.
    #[inline]
    pub fn all(byte: u8) -> Block {
        // SAFETY: every x86-64 has SSE2.
        Block(unsafe { _mm_set1_epi8(byte.cast_signed()) })
    }

    /// 0xff at each index at which both have the same byte, 0 at the others.
    #[inline]
    pub fn equal(self, other: Block) -> Block {
        // SAFETY: every x86-64 has SSE2.
        Block(unsafe { _mm_cmpeq_epi8(self.0, other.0) })
    }

    /// The bits that both have.
    #[inline]
    pub fn and(self, other: Block) -> Block {
        // SAFETY: every x86-64 has SSE2.
        Block(unsafe { _mm_and_si128(self.0, other.0) })
    }

    /// The bits that one of the two has.
    #[inline]
    pub fn or(self, other: Block) -> Block {
        // SAFETY: every x86-64 has SSE2.
        Block(unsafe { _mm_or_si128(self.0, other.0) })
    }

    /// The indices of the bytes that are 0xff, in a block of 0xff and 0.
    #[inline]
    pub fn matches(self) -> Matches {
        // SAFETY: every x86-64 has SSE2.
        Matches(unsafe { _mm_movemask_epi8(self.0) }.cast_unsigned())
    }
}

/// A set of indices, one bit for each.
#[derive(Clone, Copy, Debug)]
pub struct Matches(u32);

impl Matches {
    /// Those that are not below `index`, which is at most 16.
    #[inline]
    #[must_use]
    pub fn from(self, index: usize) -> Matches {
        Matches(self.0 & u32::MAX << index)
    }

    /// The lowest.
    #[inline]
    pub fn first(self) -> Option<usize> {
        (self.0 != 0).then(|| self.0.trailing_zeros() as usize)
    }
}
