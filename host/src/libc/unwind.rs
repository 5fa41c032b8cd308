//! `_Unwind_Find_FDE`: finds the frame description that covers an address, for libgcc's unwinder.
//!
//! libgcc has its own search, most of it for tables that programs register at run time. Nothing
//! registers any here, so this file replaces it with a tenth of the code.
//!
//! Source: "Exception Frames" in the Linux Standard Base Core Specification 5.0 (`.eh_frame`,
//! `.eh_frame_hdr` and the `DW_EH_PE_*` encodings); libgcc's unwind-dw2-fde.h for the structure.

use core::cmp::Ordering;
use core::ffi::c_void;
use core::ptr;

use super::dl;

/// `struct dwarf_eh_bases`: the bases of the encoded addresses in the frame's tables.
#[repr(C)]
struct Bases {
    text: *const c_void,
    data: *const c_void,
    function: *const c_void,
}

/// Low four bits of an encoding: the format of the value.
const FORMAT: u8 = 0x0f;
const ULEB128: u8 = 0x01;
const UDATA2: u8 = 0x02;
const UDATA4: u8 = 0x03;
const SLEB128: u8 = 0x09;
const SDATA2: u8 = 0x0a;
const SDATA4: u8 = 0x0b;
/// The next three bits: the base of the value.
const BASE: u8 = 0x70;
const PC_RELATIVE: u8 = 0x10;
const DATA_RELATIVE: u8 = 0x30;
const INDIRECT: u8 = 0x80;
const OMITTED: u8 = 0xff;

/// A frame description, and the first address of the code that it covers.
struct Found {
    description: usize,
    function: usize,
}

/// Finds the frame description that covers `code`, in a library or in the bootstrap; null if there
/// is none.
///
/// # Safety
/// `bases` has room for the structure.
#[unsafe(no_mangle)]
unsafe extern "C" fn _Unwind_Find_FDE(code: *const c_void, bases: *mut Bases) -> *const c_void {
    let Some(found) = dl::eh_frame_header(code).and_then(|header| find(header, code.addr())) else {
        return ptr::null();
    };
    let function = ptr::without_provenance(found.function);
    // SAFETY: as the function's own contract.
    unsafe { bases.write(Bases { text: ptr::null(), data: ptr::null(), function }) };
    ptr::with_exposed_provenance(found.description)
}

/// Searches the table that linkers sort by address, or, if there is none, all frame descriptions.
fn find(header: usize, code: usize) -> Option<Found> {
    let mut cursor = Cursor(header);
    let [_version, frames, count, table]: [u8; 4] = cursor.take();
    let frames = cursor.encoded(frames, header);
    if count == OMITTED || table != DATA_RELATIVE | SDATA4 {
        return search(frames, code);
    }
    let count = cursor.encoded(count, header);
    let entry = |index: usize| {
        let [function, description]: [i32; 2] = Cursor(cursor.0 + index * 8).take();
        let address = |offset: i32| header.wrapping_add_signed(offset as isize);
        Found { function: address(function), description: address(description) }
    };
    let (mut first, mut end) = (0, count);
    while first < end {
        let middle = first + (end - first) / 2;
        match entry(middle).function.cmp(&code) {
            Ordering::Greater => end = middle,
            Ordering::Less | Ordering::Equal => first = middle + 1,
        }
    }
    let found = entry(first.checked_sub(1)?);
    covers(found.description, code).then_some(found)
}

/// Searches the frame descriptions sequentially.
fn search(mut record: usize, code: usize) -> Option<Found> {
    loop {
        let [length, parent]: [u32; 2] = Cursor(record).take();
        if length == 0 {
            return None;
        }
        // A record whose parent is 0 is itself a parent (a CIE).
        if parent != 0 && covers(record, code) {
            return Some(Found { description: record, function: extent(record).0 });
        }
        record += 4 + length as usize;
    }
}

fn covers(description: usize, code: usize) -> bool {
    let (function, size) = extent(description);
    code.wrapping_sub(function) < size
}

/// The first address that a frame description covers, and the number of bytes.
fn extent(description: usize) -> (usize, usize) {
    let mut cursor = Cursor(description + 4);
    let parent = cursor.0 - cursor.take::<u32>() as usize;
    let encoding = address_encoding(parent);
    let function = cursor.encoded(encoding, 0);
    (function, cursor.encoded(encoding & FORMAT, 0))
}

/// The encoding of the addresses in a parent's (a CIE's) frame descriptions.
fn address_encoding(parent: usize) -> u8 {
    let mut cursor = Cursor(parent + 8);
    let version: u8 = cursor.take();
    let mut augmentation = cursor;
    while cursor.take::<u8>() != 0 {}
    if version >= 4 {
        cursor.take::<[u8; 2]>();
    }
    // Code alignment, data alignment, return address register, length of the augmentation.
    cursor.leb128();
    cursor.leb128();
    if version == 1 {
        cursor.take::<u8>();
    } else {
        cursor.leb128();
    }
    if augmentation.take::<u8>() != b'z' {
        return 0;
    }
    cursor.leb128();
    loop {
        match augmentation.take() {
            b'R' => return cursor.take(),
            b'P' => {
                let encoding: u8 = cursor.take();
                // Skips the value without following it: its target may not be readable yet.
                cursor.encoded(encoding & !INDIRECT, 0);
            }
            b'L' => _ = cursor.take::<u8>(),
            b'B' => {}
            _ => return 0,
        }
    }
}

/// An address in a library's tables.
#[derive(Clone, Copy)]
struct Cursor(usize);

impl Cursor {
    /// Reads an integer, or an array of them, and advances past it.
    fn take<T: Copy>(&mut self) -> T {
        let pointer = ptr::with_exposed_provenance::<T>(self.0);
        self.0 += size_of::<T>();
        // SAFETY: the linker that made the tables guarantees that each record is as long as it
        // says; libgcc's own search relies on that, too. `T` consists of integers.
        unsafe { pointer.read_unaligned() }
    }

    /// Reads a value in one of the `DW_EH_PE_*` encodings; `data` is the base of data-relative
    /// values.
    fn encoded(&mut self, encoding: u8, data: usize) -> usize {
        let address = self.0;
        let value = match encoding & FORMAT {
            UDATA2 => usize::from(self.take::<u16>()),
            UDATA4 => self.take::<u32>() as usize,
            SDATA2 => 0usize.wrapping_add_signed(isize::from(self.take::<i16>())),
            SDATA4 => 0usize.wrapping_add_signed(self.take::<i32>() as isize),
            ULEB128 | SLEB128 => self.leb128(),
            _ => self.take(),
        };
        if value == 0 {
            return 0;
        }
        let value = match encoding & BASE {
            PC_RELATIVE => value.wrapping_add(address),
            DATA_RELATIVE => value.wrapping_add(data),
            _ => value,
        };
        if encoding & INDIRECT == 0 { value } else { Cursor(value).take() }
    }

    /// Reads a LEB128 number. The sign is ignored: no address has one.
    fn leb128(&mut self) -> usize {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte: u8 = self.take();
            value |= usize::from(byte & 0x7f) << (shift & 63);
            shift += 7;
            if byte & 0x80 == 0 {
                return value;
            }
        }
    }
}
