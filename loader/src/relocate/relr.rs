//! Packed relative relocations: `DT_RELR`.
//!
//! Source: the gABI's "Relative Relocation Table".

use crate::elf::u64_at;
use crate::error::Defect;
use crate::memory::Data;

/// Applies a table. An even word is an address; an odd one is a bitmap of the 63 words after it.
pub fn apply(relr: &[u8], data: &mut Data, base: u64) -> Result<(), Defect> {
    let mut vaddr: u64 = 0;
    for entry in relr.as_chunks().0 {
        let entry = u64::from_le_bytes(*entry);
        if entry & 1 == 0 {
            add_base(entry, data, base)?;
            vaddr = entry.wrapping_add(8);
            continue;
        }
        apply_bitmap(entry >> 1, vaddr, data, base)?;
        vaddr = vaddr.wrapping_add(63 * 8);
    }
    Ok(())
}

/// Goes from each set bit to the next: a branch for every bit would be unpredictable to the CPU.
fn apply_bitmap(mut bits: u64, vaddr: u64, data: &mut Data, base: u64) -> Result<(), Defect> {
    let (start, words) = data.words();
    let index = word_index(vaddr, start);
    let words = index.and_then(|index| words.get_mut(index..)?.first_chunk_mut::<63>());
    match words {
        // The words are right as they are.
        Some(_) if base == 0 => {}
        Some(words) => {
            while bits != 0 {
                add(&mut words[bits.trailing_zeros() as usize], base);
                bits &= bits - 1;
            }
        }
        None => {
            while bits != 0 {
                add_base(vaddr.wrapping_add(u64::from(bits.trailing_zeros()) * 8), data, base)?;
                bits &= bits - 1;
            }
        }
    }
    Ok(())
}

/// The number of words that a `DT_RELR` table relocates.
pub fn count(relr: &[u8]) -> usize {
    let counts = relr.chunks_exact(8).map(|entry| match u64_at(entry, 0) {
        entry if entry & 1 == 0 => 1,
        bitmap => bitmap.count_ones() - 1,
    });
    counts.fold(0, |sum, count| sum + usize::try_from(count).unwrap_or(0))
}

fn add_base(vaddr: u64, data: &mut Data, base: u64) -> Result<(), Defect> {
    let Some(word) = data.word(vaddr) else {
        return Err(Defect::BadRelocation { offset: vaddr });
    };
    add(word, base);
    Ok(())
}

/// At the address that the linker was given (base 0), the word is right and its page remains shared
/// with the file.
fn add(word: &mut [u8; 8], base: u64) {
    if base != 0 {
        *word = u64::from_le_bytes(*word).wrapping_add(base).to_le_bytes();
    }
}

/// The index of the word at `vaddr`, counted from `start`. A misaligned `vaddr` has an index far
/// beyond the last word.
pub fn word_index(vaddr: u64, start: u64) -> Option<usize> {
    usize::try_from(vaddr.wrapping_sub(start).rotate_right(3)).ok()
}
