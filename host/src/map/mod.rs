//! Maps a handler library into this process: `Parsed → Image → Linked → Library`, each step
//! consuming what the one before made, so that a half-relocated image cannot be called.
//!
//! The crate `pilotlight-loader` parses and relocates; this module owns the memory. A library is
//! never unloaded, and a failure leaves nothing mapped.

#[allow(unsafe_code)] // Calls functions by address.
mod calls;
#[allow(unsafe_code)] // Maps memory, and lends it as slices.
mod image;

use alloc::vec::Vec;
use core::ffi::CStr;

pub use self::image::Image;

use pilotlight_loader::Defect;
use pilotlight_loader::EntrySymbol;
use pilotlight_loader::LoadError;
use pilotlight_loader::Provider;
use pilotlight_loader::TlsPlace;
use pilotlight_loader::TlsTemplate;
use pilotlight_loader::dynamic::Dynamic;
use pilotlight_loader::elf;
use pilotlight_loader::elf::Extent;
use pilotlight_loader::elf::Parsed;
use pilotlight_loader::link;
use pilotlight_loader::package::Part;

use self::image::FileView;
use crate::environ::Arguments;
use crate::errno::Errno;
use crate::file::File;

/// A process that maps libraries.
pub trait Host: Provider {
    /// Registers a library with the unwinder, gives this thread and every later one its
    /// thread-locals, and schedules its destructors for the exit of the process. Call it before any
    /// of its code runs.
    fn register(&self, path: &CStr, library: &'static Library);

    /// Gives this thread the thread-locals of libraries that were mapped after it started. Call it
    /// before the thread calls such a library.
    fn catch_up(&self);

    /// Starts a thread that may run code of the libraries.
    fn start_thread(&self, work: &'static (dyn Fn() + Sync)) -> Result<(), Errno>;
}

/// A library that has been mapped and relocated; its constructors have not run yet.
#[derive(Debug)]
pub struct Library {
    image: Image,
    /// The bytes that only relocation writes.
    relro: Option<Extent>,
    dynamic: Dynamic,
    /// The part of the executable that the library is, unless it has a file of its own.
    pub part: Option<Part>,
    /// Live addresses, in the order of their calls.
    constructors: Vec<u64>,
    /// Live addresses, in the order of their calls.
    destructors: Vec<u64>,
    /// The live address of the entry symbol.
    pub entry: u64,
    /// The thread-locals: their template, with a live address, and their location.
    pub tls: Option<(TlsTemplate, TlsPlace)>,
    /// The live address of `.eh_frame_hdr`, for the unwinder.
    pub eh_frame_header: Option<u64>,
    /// Live address and number of the program headers, if a segment holds them.
    pub program_headers: Option<(u64, u16)>,
}

impl Library {
    /// The live addresses that belong to the library.
    pub fn range(&self) -> core::ops::Range<usize> {
        self.image.range()
    }

    /// The library's memory.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// The difference between live and file-relative addresses.
    pub fn base(&self) -> u64 {
        self.image.base()
    }

    /// The live address of a symbol that the library defines.
    pub fn symbol(&self, name: &[u8]) -> Option<u64> {
        let tables = self.image.tables();
        let symbols = self.dynamic.symbols(&tables, None).ok()?;
        let address = self.dynamic.find(name, &symbols, &tables, None)?;
        self.image.data(address, 1)
    }

    /// Runs the constructors, as a dynamic linker would. Call it once, after [`Host::register`].
    pub fn construct(&'static self, arguments: &Arguments) {
        calls::construct(&self.constructors, arguments);
    }

    /// Runs the destructors, as a dynamic linker would. Call it once, at the exit of the process.
    pub fn destroy(&'static self) {
        calls::destroy(&self.destructors);
    }

    /// Makes the bytes that only relocation writes read-only.
    pub fn protect(&self) -> Result<(), Errno> {
        self.relro.as_ref().map_or(Ok(()), |relro| self.image.protect(relro))
    }

    /// Keeps the library for the life of the process: its code may now run.
    pub fn keep(self) -> &'static Library {
        alloc::boxed::Box::leak(alloc::boxed::Box::new(self))
    }
}

/// Maps the file, relocates it against `host`, and finds its entry symbol: `symbol`, an object of
/// `size` bytes. `path` is for the refusal.
pub fn load(
    file: &File,
    path: &CStr,
    host: &dyn Provider,
    symbol: &'static str,
    size: u64,
) -> Result<Library, LoadError> {
    let entry_symbol = EntrySymbol { name: symbol, size };
    load_file(file, host, entry_symbol).map_err(|defect| LoadError::new(path, defect))
}

fn load_file(
    file: &File,
    host: &dyn Provider,
    entry_symbol: EntrySymbol,
) -> Result<Library, Defect> {
    let file_size = file.size()?;
    if file_size == 0 {
        return Err(Defect::Empty);
    }
    let view = FileView::map(file, file_size)?;
    let parsed = elf::parse(view.bytes())?;
    let relocated = parsed.relro.as_ref().map_or(0, |relro| relro.size);
    let mut image = view.map_segments(parsed.segments.clone(), relocated)?;
    let base = image.base();
    let (tables, mut data) = image.parts();
    let linked = link(&parsed, &tables, &mut data, base, host, entry_symbol)?;
    for &constructor in &linked.constructors {
        image.will_run(constructor);
    }
    let live = |extent: &Extent| image.data(extent.address, extent.size);
    let tls = parsed.tls.as_ref().zip(linked.tls).map(|(template, tls)| {
        (TlsTemplate { address: image.live(template.address), ..template.clone() }, tls)
    });
    Ok(Library {
        dynamic: linked.dynamic,
        constructors: linked.constructors,
        destructors: linked.destructors,
        entry: image.live(linked.entry),
        tls,
        eh_frame_header: parsed.eh_frame_header.as_ref().and_then(live),
        program_headers: program_headers(&image, &parsed),
        relro: parsed.relro,
        part: file.part(),
        image,
    })
}

/// Calls `found` with the name of the function that begins at or before `address` (relative to the
/// base) and the distance from its start. It runs in a signal handler, so it allocates nothing.
pub(crate) fn nearest_symbol<T>(
    file: &File,
    address: u64,
    found: impl FnOnce(&[u8], u64) -> T,
) -> Option<T> {
    let size = file.size().ok().filter(|&size| size > 0)?;
    let view = FileView::map(file, size).ok()?;
    let (name, distance) = pilotlight_loader::nearest_symbol(view.bytes(), address)?;
    Some(found(name, distance))
}

fn program_headers(image: &Image, parsed: &Parsed) -> Option<(u64, u16)> {
    let range = &parsed.program_headers;
    let offset = range.start as u64;
    let size = range.len() as u64;
    let segment = parsed.segments.iter().find(|segment| {
        segment.offset <= offset && offset + size <= segment.offset + segment.file_size
    })?;
    let live = image.data(offset - segment.offset + segment.address, size)?;
    Some((live, u16::try_from(range.len() / elf::PROGRAM_HEADER_SIZE).ok()?))
}
