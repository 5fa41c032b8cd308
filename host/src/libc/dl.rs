//! The list of mapped libraries, for the unwinder (`_dl_find_object`, `dl_iterate_phdr`), for
//! `dladdr` and for `dlsym` (dlfcn.rs). musl itself knows only the bootstrap.

use alloc::boxed::Box;
use alloc::ffi::CString;
use core::ffi::CStr;
use core::ffi::c_int;
use core::ffi::c_void;
use core::ops::Range;
use core::ptr;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering;

use super::symbol_file;
use crate::crash::Located;
use crate::map::Library;

/// Most libraries that one process maps: a handler and the layer's modules.
const MAX_LIBRARIES: usize = 8;

/// A mapped ELF object, which is never unmapped: a library, or the bootstrap itself. Unwinding
/// starts in the bootstrap because the unwinder is part of it.
#[derive(Clone)]
struct Object {
    path: &'static CStr,
    /// None for the bootstrap, whose symbols are in the table of exports.
    library: Option<&'static Library>,
    base: u64,
    range: Range<usize>,
    headers: *const libc::Elf64_Phdr,
    header_count: u16,
    eh_frame_header: Option<u64>,
}

impl Object {
    /// The path of a file that begins with this object.
    fn symbol_file(&self) -> &'static CStr {
        let part = self.library.and_then(|library| library.part);
        part.and_then(symbol_file::of_handler).unwrap_or(self.path)
    }
}

static LIBRARIES: [AtomicPtr<Object>; MAX_LIBRARIES] =
    [const { AtomicPtr::new(ptr::null_mut()) }; MAX_LIBRARIES];
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Adds a library. Two threads may call this at once: one maps `services`, the other `libc.so`.
pub fn register(path: &CStr, library: &'static Library) {
    let (headers, header_count) = library.program_headers.unwrap_or((0, 0));
    let object = Object {
        path: Box::leak(CString::from(path).into_boxed_c_str()),
        library: Some(library),
        base: library.base(),
        range: library.range(),
        headers: pointer(headers),
        header_count,
        eh_frame_header: library.eh_frame_header,
    };
    let index = COUNT.fetch_add(1, Ordering::Relaxed);
    if let Some(slot) = LIBRARIES.get(index) {
        slot.store(Box::leak(Box::new(object)), Ordering::Release);
    }
}

/// The libraries in reverse order of mapping.
pub fn newest_first() -> impl Iterator<Item = &'static Library> {
    libraries().rev().filter_map(|object| object.library)
}

/// The address of a symbol that the libraries define; the library that was mapped first wins.
pub fn symbol(name: &[u8]) -> Option<u64> {
    libraries().find_map(|object| object.library?.symbol(name))
}

fn libraries() -> impl DoubleEndedIterator<Item = &'static Object> {
    LIBRARIES.iter().filter_map(|slot| {
        // SAFETY: a slot is null, or was filled with a leaked object.
        unsafe { slot.load(Ordering::Acquire).as_ref() }
    })
}

unsafe extern "C" {
    /// First byte of the executable, from the linker.
    static __executable_start: u8;
    static _end: u8;
}

/// The bootstrap itself, which runs at the addresses that it was linked at.
fn executable() -> Object {
    const PT_GNU_EH_FRAME: u32 = 0x6474_e550;
    let auxiliary = |kind| {
        // SAFETY: reads the auxiliary vector that the kernel gave the process.
        unsafe { libc::getauxval(kind) }
    };
    let headers: *const libc::Elf64_Phdr = pointer(auxiliary(libc::AT_PHDR));
    let header_count = u16::try_from(auxiliary(libc::AT_PHNUM)).unwrap_or(0);
    let eh_frame_header = (0..usize::from(header_count)).find_map(|index| {
        // SAFETY: the kernel counted the headers.
        let header = unsafe { headers.wrapping_add(index).read() };
        (header.p_type == PT_GNU_EH_FRAME).then_some(header.p_vaddr)
    });
    let range = (&raw const __executable_start).addr()..(&raw const _end).addr();
    Object { path: c"", library: None, base: 0, range, headers, header_count, eh_frame_header }
}

fn object_at(address: *const c_void) -> Option<Object> {
    let holds = |object: &Object| object.range.contains(&address.addr());
    libraries().find(|library| holds(library)).cloned().or_else(|| Some(executable()).filter(holds))
}

/// The library that contains this address of code.
pub fn locate(address: usize) -> Option<Located> {
    let found = libraries().find(|library| library.range.contains(&address))?;
    let part = found.library.and_then(|library| library.part);
    Some(Located { path: found.path, part, base: found.base })
}

/// The live address of the unwind tables' header (`PT_GNU_EH_FRAME`) of the object that contains
/// this address of code.
pub fn eh_frame_header(code: *const c_void) -> Option<usize> {
    usize::try_from(object_at(code)?.eh_frame_header?).ok()
}

/// `struct dl_find_object` of glibc's <dlfcn.h>, as libgcc reads it.
#[repr(C)]
struct FoundObject {
    flags: u64,
    start: *const c_void,
    end: *const c_void,
    link_map: *const c_void,
    eh_frame_header: *const c_void,
    reserved: [u64; 7],
}

/// glibc's `_dl_find_object`: the object that contains an address of code, and its unwind tables.
///
/// # Safety
/// `result` has room for glibc's structure.
#[unsafe(no_mangle)]
unsafe extern "C" fn _dl_find_object(address: *const c_void, result: *mut FoundObject) -> c_int {
    let Some(object) = object_at(address) else {
        return -1;
    };
    let Some(eh_frame_header) = object.eh_frame_header else {
        return -1;
    };
    let found = FoundObject {
        flags: 0,
        start: ptr::without_provenance(object.range.start),
        end: ptr::without_provenance(object.range.end),
        link_map: ptr::null(),
        eh_frame_header: pointer(eh_frame_header),
        reserved: [0; 7],
    };
    // SAFETY: as the function's own contract.
    unsafe { result.write(found) };
    0
}

type Visit =
    unsafe extern "C" fn(info: *mut libc::dl_phdr_info, size: usize, data: *mut c_void) -> c_int;

/// `dl_iterate_phdr`, over the bootstrap and the libraries.
///
/// # Safety
/// `visit` may be called with `data`.
#[unsafe(no_mangle)]
unsafe extern "C" fn dl_iterate_phdr(visit: Visit, data: *mut c_void) -> c_int {
    let visit = |object: &Object| {
        let mut info = libc::dl_phdr_info {
            dlpi_addr: object.base,
            dlpi_name: object.symbol_file().as_ptr(),
            dlpi_phdr: object.headers,
            dlpi_phnum: object.header_count,
            dlpi_adds: COUNT.load(Ordering::Relaxed) as u64,
            dlpi_subs: 0,
            dlpi_tls_modid: 0,
            dlpi_tls_data: ptr::null_mut(),
        };
        // SAFETY: as the function's own contract.
        unsafe { visit(&raw mut info, size_of_val(&info), data) }
    };
    let mut code = visit(&executable());
    // A chain of iterators would take three times the code.
    for object in libraries() {
        if code != 0 {
            break;
        }
        code = visit(object);
    }
    code
}

/// `dladdr`: finds the library and its base, and no symbol.
///
/// # Safety
/// `info` has room for a `Dl_info`.
#[unsafe(no_mangle)]
unsafe extern "C" fn pilotlight_dladdr(address: *const c_void, info: *mut libc::Dl_info) -> c_int {
    let Some(object) = object_at(address) else {
        return 0;
    };
    let found = libc::Dl_info {
        dli_fname: object.path.as_ptr(),
        dli_fbase: ptr::without_provenance_mut(object.range.start),
        dli_sname: ptr::null(),
        dli_saddr: ptr::null_mut(),
    };
    // SAFETY: as the function's own contract.
    unsafe { info.write(found) };
    1
}

fn pointer<T>(address: u64) -> *mut T {
    ptr::with_exposed_provenance_mut(usize::try_from(address).unwrap_or(0))
}
