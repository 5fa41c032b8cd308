//! A library's segments as slices, at addresses relative to its base. The caller that has mapped or
//! copied them lends them for relocation.

use alloc::borrow::Cow;
use alloc::vec::Vec;

/// The read-only segments, which cannot change while the writable ones are relocated.
#[derive(Clone, Debug)]
pub struct Tables<'a> {
    segments: Vec<(u64, &'a [u8])>,
}

impl<'a> Tables<'a> {
    /// Each segment with its address, which is below 2⁶³.
    pub fn new(segments: Vec<(u64, &'a [u8])>) -> Tables<'a> {
        Tables { segments }
    }

    /// The bytes from `address` to the end of its segment, or None outside the read-only ones.
    pub fn rest(&self, address: u64) -> Option<&'a [u8]> {
        let holds = |&(start, bytes): &(u64, &'a [u8])| offset_in(address, start, bytes.len());
        let (segment, offset) =
            self.segments.iter().find_map(|segment| Some((segment, holds(segment)?)))?;
        segment.1.get(offset..)
    }
}

/// The writable segments.
#[derive(Debug)]
pub struct Data<'a> {
    segments: Vec<(u64, &'a mut [u8])>,
    /// The segment of the last access, taken out of the list: relocations come in order of address.
    window: &'a mut [u8],
    window_address: u64,
}

impl<'a> Data<'a> {
    /// Each segment with its address, which is below 2⁶³.
    pub fn new(segments: Vec<(u64, &'a mut [u8])>) -> Data<'a> {
        Data { segments, window: &mut [], window_address: 0 }
    }

    /// The bytes at `address`, or None unless one writable segment holds all of them.
    pub fn bytes(&mut self, address: u64, size: u64) -> Option<&mut [u8]> {
        let size = usize::try_from(size).ok()?;
        self.rest(address)?.get_mut(..size)
    }

    /// The bytes from `address` to the end of its writable segment.
    pub fn rest(&mut self, address: u64) -> Option<&mut [u8]> {
        self.reach(address)
    }

    /// The address-sized word at `address`, or None unless one writable segment holds it.
    pub fn word(&mut self, address: u64) -> Option<&mut [u8; 8]> {
        self.reach(address)?.first_chunk_mut()
    }

    /// The segment of the last access as words, and the address of the first.
    pub fn words(&mut self) -> (u64, &mut [[u8; 8]]) {
        (self.window_address, self.window.as_chunks_mut().0)
    }

    fn reach(&mut self, address: u64) -> Option<&mut [u8]> {
        let offset = address.wrapping_sub(self.window_address);
        if offset >= self.window.len() as u64 {
            self.open_window(address)?;
        }
        let offset = address.wrapping_sub(self.window_address);
        self.window.get_mut(usize::try_from(offset).ok()?..)
    }

    #[cold]
    fn open_window(&mut self, address: u64) -> Option<()> {
        let segments = &mut self.segments;
        let found = segments
            .iter_mut()
            .find(|(start, bytes)| offset_in(address, *start, bytes.len()).is_some())?;
        core::mem::swap(&mut self.window_address, &mut found.0);
        core::mem::swap(&mut self.window, &mut found.1);
        Some(())
    }
}

/// A table of the file: borrowed if it is read-only, copied if relocations could change it (tools
/// that edit libraries put tables into writable segments).
pub type Table<'a> = Cow<'a, [u8]>;

/// A view of `size` bytes at `address`, or a copy if they could change.
pub fn table<'a>(
    address: u64,
    size: u64,
    tables: &Tables<'a>,
    data: Option<&mut Data>,
) -> Option<Table<'a>> {
    match tables.rest(address) {
        Some(bytes) => bytes.get(..usize::try_from(size).ok()?).map(Cow::Borrowed),
        None => data?.bytes(address, size).map(|bytes| Cow::Owned(bytes.to_vec())),
    }
}

/// As [`table`], to the end of the segment that holds it.
pub fn table_to_end<'a>(
    address: u64,
    tables: &Tables<'a>,
    data: Option<&mut Data>,
) -> Option<Table<'a>> {
    match tables.rest(address) {
        Some(bytes) => Some(Cow::Borrowed(bytes)),
        None => data?.rest(address).map(|bytes| Cow::Owned(bytes.to_vec())),
    }
}

fn offset_in(address: u64, start: u64, size: usize) -> Option<usize> {
    let offset = usize::try_from(address.checked_sub(start)?).ok()?;
    (offset < size).then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn tables_end_with_their_segment() {
        let tables = Tables::new(vec![(0x1000, &[1, 2, 3]), (0x2000, &[4])]);
        assert_eq!(tables.rest(0x1001), Some([2, 3].as_slice()));
        assert_eq!(tables.rest(0x2000), Some([4].as_slice()));
        for outside in [0, 0xfff, 0x1003, 0x2001, u64::MAX] {
            assert_eq!(tables.rest(outside), None, "{outside:#x}");
        }
    }

    #[test]
    fn every_writable_segment_is_reached_in_any_order() {
        let (mut first, mut second) = ([0; 16], [0; 8]);
        let mut data = Data::new(vec![(0x1000, &mut first), (0x3000, &mut second)]);
        for (address, value) in [(0x1008, 1), (0x3000, 2), (0x1000, 3)] {
            *data.word(address).expect("inside") = u64::to_le_bytes(value);
        }
        for outside in [0xfff, 0x1009, 0x1010, 0x3001, u64::MAX] {
            assert_eq!(data.word(outside), None, "{outside:#x}");
        }
        assert_eq!((first[8], second[0], first[0]), (1, 2, 3));
        // One that begins where the other ends.
        let mut data = Data::new(vec![(0x1000, &mut first), (0x1010, &mut second)]);
        for address in [0x1008, 0x1010, 0x1000] {
            assert!(data.word(address).is_some(), "{address:#x}");
        }
    }
}
