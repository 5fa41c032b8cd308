//! Sixteen bytes in a vector register (Advanced SIMD).

use core::arch::aarch64::uint8x16_t;
use core::arch::aarch64::vandq_u8;
use core::arch::aarch64::vceqq_u8;
use core::arch::aarch64::vdupq_n_u8;
use core::arch::aarch64::vget_lane_u64;
use core::arch::aarch64::vld1q_u8;
use core::arch::aarch64::vorrq_u8;
use core::arch::aarch64::vreinterpret_u64_u8;
use core::arch::aarch64::vreinterpretq_u16_u8;
use core::arch::aarch64::vshrn_n_u16;

/// Sixteen bytes.
#[derive(Clone, Copy, Debug)]
pub struct Block(uint8x16_t);

impl Block {
    /// These bytes.
    #[inline]
    pub fn new(bytes: &[u8; 16]) -> Block {
        // SAFETY: the reference is to sixteen bytes, which need no alignment.
        Block(unsafe { vld1q_u8(bytes.as_ptr()) })
    }

    /// Sixteen times the same byte.
    #[inline]
    pub fn all(byte: u8) -> Block {
        // SAFETY: the target has Advanced SIMD.
        Block(unsafe { vdupq_n_u8(byte) })
    }

    /// 0xff at each index at which both have the same byte, 0 at the others.
    #[inline]
    pub fn equal(self, other: Block) -> Block {
        // SAFETY: the target has Advanced SIMD.
        Block(unsafe { vceqq_u8(self.0, other.0) })
    }

    /// The bits that both have.
    #[inline]
    pub fn and(self, other: Block) -> Block {
        // SAFETY: the target has Advanced SIMD.
        Block(unsafe { vandq_u8(self.0, other.0) })
    }

    /// The bits that one of the two has.
    #[inline]
    pub fn or(self, other: Block) -> Block {
        // SAFETY: the target has Advanced SIMD.
        Block(unsafe { vorrq_u8(self.0, other.0) })
    }

    /// The indices of the bytes that are 0xff, in a block of 0xff and 0.
    #[inline]
    pub fn matches(self) -> Matches {
        // SAFETY: the target has Advanced SIMD.
        let pairs = unsafe { vreinterpretq_u16_u8(self.0) };
        // Keeps the upper half of each first byte and the lower half of each second one.
        // SAFETY: as above.
        let halves = unsafe { vshrn_n_u16::<4>(pairs) };
        // SAFETY: as above.
        let lane = unsafe { vreinterpret_u64_u8(halves) };
        // SAFETY: as above.
        Matches(unsafe { vget_lane_u64::<0>(lane) })
    }
}

/// A set of indices, four bits for each.
#[derive(Clone, Copy, Debug)]
pub struct Matches(u64);

impl Matches {
    /// Those that are not below `index`, which is at most 16.
    #[inline]
    #[must_use]
    pub fn from(self, index: usize) -> Matches {
        // In two steps, because one by 64 bits is not a shift.
        Matches(self.0 & u64::MAX << (2 * index) << (2 * index))
    }

    /// The lowest.
    #[inline]
    pub fn first(self) -> Option<usize> {
        (self.0 != 0).then(|| self.0.trailing_zeros() as usize / 4)
    }
}
