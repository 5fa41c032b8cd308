//! Maps a handler library into this process: `Parsed → Image → relocated → Library`, each step
//! consuming what the one before made, so that a half-relocated image cannot be called.
//!
//! What it deliberately does not do: lazy binding, unloading, symbol versions, libraries that need
//! other libraries, indirect functions, copy relocations, pages both writable and executable. Each
//! absence is a [`Defect`] with its own words, and a failure leaves nothing mapped.

mod arch;
mod dynamic;
pub mod elf;
mod error;
#[allow(unsafe_code)]
mod map;
mod relocate;
mod symbol_hash;
mod symbolize;

use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::fmt;

pub use self::elf::TlsTemplate;
pub use self::error::Defect;
pub use self::map::Image;
pub use self::symbol_hash::symbol_hash;
pub use self::symbolize::nearest_symbol;

use self::dynamic::Dynamic;
use self::elf::Extent;
use self::elf::Parsed;
use self::map::FileView;
use self::relocate::Scope;
use crate::sys::File;

/// What a library finds in the process that maps it.
pub trait Host {
    /// The address of a symbol that the process provides, by its name's [`symbol_hash`].
    fn symbol(&self, hash: u64) -> Option<u64>;

    /// The address of a symbol that the process has to fetch first, by its name.
    fn rare_symbol(&self, name: &[u8]) -> Option<u64>;

    /// Sets aside room for a library's thread-locals in every thread, or says how much is left.
    fn reserve_tls(&self, template: &TlsTemplate) -> Result<TlsPlace, u64>;

    /// Makes a library known to the unwinder, and gives this thread and every later one its
    /// thread-locals. To be called before any of its code runs.
    fn register(&self, path: &CStr, library: &'static Library);
}

/// Where a library's thread-locals are, in every thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsPlace {
    /// What `__tls_get_addr` finds in its argument's first word.
    pub module: u64,
    /// What is added to the thread pointer, modulo 2⁶⁴.
    pub thread_pointer_offset: u64,
}

/// Why a library was refused.
#[derive(Debug)]
pub struct LoadError {
    /// The file.
    pub path: String,
    /// What is wrong with it.
    pub defect: Defect,
}

impl LoadError {
    /// Says what is wrong with the file at `path`.
    pub fn new(path: &CStr, defect: Defect) -> LoadError {
        LoadError { path: path.to_string_lossy().into_owned(), defect }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.defect)
    }
}

/// A library that has been mapped, relocated and protected; its constructors have not run yet.
#[derive(Debug)]
pub struct Library {
    image: Image,
    dynamic: Dynamic,
    /// Live addresses of the constructors, in the order in which they are to run.
    pub constructors: Vec<u64>,
    /// The live address of the symbol that was asked for.
    pub entry: u64,
    /// The thread-local template (live address, length), and where its bytes go.
    pub tls: Option<(u64, u64, TlsPlace)>,
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

    /// The memory that the library lies in.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// What was added to the file's addresses.
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

    /// Keeps the library for as long as the process lives: code in it may now run.
    pub fn keep(self) -> &'static Library {
        alloc::boxed::Box::leak(alloc::boxed::Box::new(self))
    }
}

/// Maps the file, relocates it against `host`, and finds the symbol that the caller wants, with
/// `size` bytes behind it. `path` is for the refusal.
pub fn load(
    file: &File,
    path: &CStr,
    host: &dyn Host,
    symbol: &'static str,
    size: u64,
) -> Result<Library, LoadError> {
    load_file(file, host, symbol, size).map_err(|defect| LoadError::new(path, defect))
}

fn load_file(
    file: &File,
    host: &dyn Host,
    symbol: &'static str,
    size: u64,
) -> Result<Library, Defect> {
    let file_size = file.size().map_err(|errno| Defect::Unreadable { errno })?;
    if file_size == 0 {
        return Err(Defect::Empty);
    }
    let view = FileView::map(file, file_size)?;
    let parsed = elf::parse(view.bytes())?;
    let image = view.place(parsed.segments.clone())?;
    relocate(image, &parsed, host, symbol, size)
}

fn relocate(
    mut image: Image,
    parsed: &Parsed,
    host: &dyn Host,
    symbol: &'static str,
    size: u64,
) -> Result<Library, Defect> {
    let base = image.base();
    let (tables, mut data) = image.parts();
    let dynamic = Dynamic::read(&parsed.dynamic, &tables, &mut data)?;
    let symbols = dynamic.symbols(&tables, Some(&mut data))?;
    dynamic.check_needed(&symbols)?;
    let entry = dynamic
        .find(symbol.as_bytes(), &symbols, &tables, Some(&mut data))
        .ok_or(Defect::NoSuchSymbol { name: symbol })?;
    let place = reserve_tls(parsed.tls.as_ref(), host)?;
    let scope = Scope { base, host, tls: place };
    relocate::relocate(&dynamic, &symbols, &tables, &mut data, &scope)?;
    let entries = init_array(&dynamic, &tables, &mut data)?;

    let entry = image.data(entry, size).ok_or(Defect::BadTable { what: "entry symbol" })?;
    let constructors = constructors(&image, &dynamic, entries)?;
    let tls = match (&parsed.tls, place) {
        (Some(template), Some(place)) => {
            let live = image.data(template.address, template.file_size).ok_or(Defect::BadTls)?;
            Some((live, template.file_size, place))
        }
        _ => None,
    };
    if let Some(relro) = &parsed.relro {
        image.protect(relro)?;
    }
    let live = |extent: &Extent| image.data(extent.address, extent.size);
    let eh_frame_header = parsed.eh_frame_header.as_ref().and_then(live);
    let program_headers = program_headers(&image, parsed);
    Ok(Library { image, dynamic, constructors, entry, tls, eh_frame_header, program_headers })
}

fn reserve_tls(
    template: Option<&TlsTemplate>,
    host: &dyn Host,
) -> Result<Option<TlsPlace>, Defect> {
    match template {
        Some(template) if template.memory_size > 0 => host
            .reserve_tls(template)
            .map(Some)
            .map_err(|available| Defect::TlsTooLarge { size: template.memory_size, available }),
        _ => Ok(None),
    }
}

/// `DT_INIT_ARRAY` after relocation: live addresses.
fn init_array(
    dynamic: &Dynamic,
    tables: &map::Tables,
    data: &mut map::Data,
) -> Result<Vec<u64>, Defect> {
    let (address, size) = dynamic.init_array;
    if size == 0 {
        return Ok(Vec::new());
    }
    let bytes = dynamic::table(address, size, tables, Some(data))
        .ok_or(Defect::BadTable { what: "list of constructors" })?;
    Ok(bytes.chunks_exact(8).map(|entry| elf::u64_at(entry, 0)).collect())
}

/// The constructors in order: `DT_INIT`, then the array; 0 and -1 are place holders.
fn constructors(image: &Image, dynamic: &Dynamic, entries: Vec<u64>) -> Result<Vec<u64>, Defect> {
    let init = (dynamic.init != 0).then(|| image.live(dynamic.init));
    let live = init.into_iter().chain(entries).filter(|&live| live != 0 && live != u64::MAX);
    live.map(|live| {
        let address = live.wrapping_sub(image.base());
        image.code(live).ok_or(Defect::BadConstructor { address })
    })
    .collect()
}

fn program_headers(image: &Image, parsed: &Parsed) -> Option<(u64, u16)> {
    let range = &parsed.program_headers;
    let offset = range.start as u64;
    let size = range.len() as u64;
    let segment = parsed.segments.iter().find(|segment| {
        segment.offset <= offset && offset + size <= segment.offset + segment.file_size
    })?;
    let live = image.data(offset - segment.offset + segment.address, size)?;
    Some((live, u16::try_from(range.len() / 56).ok()?))
}
