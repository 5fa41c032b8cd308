//! `pilotlight build`: writes functions as the tools that deploy them expect them, below
//! `target/lambda`.

pub mod cargo;
mod library;
mod zip;

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::anyhow;
use anyhow::bail;
use serde::Serialize;

use self::library::Facts;
use crate::check;
use crate::cpu::Cpu;
use crate::layer;
use crate::layer::Layer;
use crate::one_file;
use crate::one_file::Files;

/// Escape sequences of terminals.
const BOLD: &str = "\x1b[1m";
const PLAIN: &str = "\x1b[0m";

/// A library of the layer that can be left out of the one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Module {
    /// `pilotlight/libc.so`.
    Libc,
    /// `pilotlight/services.so`.
    Services,
}

/// The form of what is written.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// The handler's library alone, for use with the layer.
    pub for_layer: bool,
    /// A zip beside the file.
    pub zip: bool,
    /// Libraries of the layer that are carried though the handler shows no need of them.
    pub with: Vec<Module>,
    /// Libraries of the layer that are left out.
    pub without: Vec<Module>,
}

/// A library that the bootstrap would load.
#[derive(Debug)]
pub struct Judged {
    name: String,
    cpu: &'static Cpu,
    bytes: Vec<u8>,
    facts: Facts,
    handlers: Vec<String>,
}

/// A function that was written.
#[derive(Debug, Serialize)]
pub struct Built {
    /// The function's name.
    pub name: String,
    /// Its architecture, as Lambda spells it.
    pub architecture: &'static str,
    /// The names of its handlers.
    pub handlers: Vec<String>,
    /// The file.
    pub path: PathBuf,
    /// Bytes of the file.
    pub size: usize,
    /// The libraries of the layer in the file.
    pub carries: Vec<&'static str>,
    /// The zip, if one was asked for.
    pub zip: Option<PathBuf>,
    /// Bytes of the zip.
    pub zip_size: Option<usize>,
}

/// Judges a library for a function with this name. Refused ones are an error in the words of
/// `pilotlight check`.
pub fn judge(path: &Path, name: &str, cpu: Option<&'static Cpu>) -> Result<Judged> {
    let check = check::check_for(path, cpu);
    if let Some(refusal) = &check.refusal {
        bail!("{refusal}");
    }
    let shown = || path.display().to_string();
    let bytes = fs::read(path).with_context(shown)?;
    let facts = Facts::of(&bytes).with_context(shown)?;
    let cpu = Cpu::of(path).with_context(shown)?;
    Ok(Judged { name: name.to_owned(), cpu, bytes, facts, handlers: check.handlers })
}

/// The name of a library's function: `hello` for `libhello.so`.
pub fn name(library: &Path) -> Result<&str> {
    let file = library.file_name().and_then(|file| file.to_str());
    let stem = file.and_then(|file| file.strip_suffix(".so"));
    let name = stem.map(|stem| stem.strip_prefix("lib").unwrap_or(stem));
    name.filter(|name| !name.is_empty()).with_context(|| {
        format!("{}: the file name of a handler library must end with .so", library.display())
    })
}

/// Writes a function into `target`/`<name>`, and removes what builds of another form have left
/// there: tools take the whole folder.
pub fn write(library: &Judged, target: &Path, form: &Form) -> Result<Built> {
    let Judged { name, cpu, handlers, .. } = library;
    let (file, bytes, carries) = if form.for_layer {
        (format!("lib{name}.so"), library.bytes.clone(), Vec::new())
    } else {
        let (bytes, carries) = one_file(library, form)?;
        ("bootstrap".to_owned(), bytes, carries)
    };
    let folder = target.join(name);
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let path = folder.join(&file);
    let zip_path = path.with_extension("zip");
    let known = ["bootstrap", "bootstrap.zip", &format!("lib{name}.so"), &format!("lib{name}.zip")];
    for other in known.map(|known| folder.join(known)) {
        if other == path || form.zip && other == zip_path {
            continue;
        }
        match fs::remove_file(&other) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(anyhow!(error).context(other.display().to_string()));
            }
            _ => {}
        }
    }
    let write = |path: &Path, bytes: &[u8], mode| {
        layer::replace(path, bytes, mode)
            .with_context(|| format!("cannot write {}", path.display()))
    };
    write(&path, &bytes, 0o755)?;
    let zip = if form.zip { Some(zip::pack(&file, &bytes, 0o755)?) } else { None };
    if let Some(zip) = &zip {
        write(&zip_path, zip, 0o644)?;
    }
    Ok(Built {
        name: name.clone(),
        architecture: cpu.name,
        handlers: handlers.clone(),
        path,
        size: bytes.len(),
        carries,
        zip_size: zip.as_ref().map(Vec::len),
        zip: zip.map(|_| zip_path),
    })
}

/// The bytes of the one file, and the names of the layer's libraries in it.
fn one_file(library: &Judged, form: &Form) -> Result<(Vec<u8>, Vec<&'static str>)> {
    let Judged { name, cpu, bytes, facts, .. } = library;
    let layer = Layer::read(cpu)?;
    let is_carried = |module, can_be_used| {
        !form.without.contains(&module) && (can_be_used || form.with.contains(&module))
    };
    let services = is_carried(Module::Services, one_file::reads_configuration(bytes));
    let services = services.then_some(&*layer.services);
    let uses_libc = |file: &[u8]| Facts::of(file).is_some_and(|facts| facts.can_use_libc());
    let libc = is_carried(Module::Libc, facts.can_use_libc() || services.is_some_and(uses_libc));
    let libc = libc.then_some(&*layer.libc);
    if let (None, Some(symbol)) = (libc, facts.symbol_of_libc()) {
        bail!("{name} needs libc.so for `{symbol}`; leave out --without libc");
    }
    let files = Files { bootstrap: &layer.bootstrap, handler: bytes, libc, services };
    let carries = [libc.map(|_| "libc.so"), services.map(|_| "services.so")];
    Ok((one_file::assemble(&files)?, carries.into_iter().flatten().collect()))
}

impl fmt::Display for Built {
    /// The files, and the next step, with colour.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Built { name, architecture, path, size, carries, .. } = self;
        let with = if carries.is_empty() { "" } else { ", with " };
        let carries = carries.join(" and ");
        let path = path.display();
        writeln!(f, "{BOLD}{path}{PLAIN}: {size} bytes for {architecture}{with}{carries}")?;
        if let (Some(zip), Some(size)) = (&self.zip, self.zip_size) {
            writeln!(f, "{BOLD}{}{PLAIN}: {size} bytes", zip.display())?;
        }
        if self.handlers.len() > 1 {
            let (first, names) = (&self.handlers[0], self.handlers.join(", "));
            writeln!(
                f,
                "  handlers: {names}; the function's handler is {name}.{first}, or another"
            )?;
        } else if self.path.extension().is_some() {
            writeln!(f, "  the function needs the layer; its handler is {name}")?;
        }
        writeln!(f, "  run it: pilotlight run {path}")
    }
}
