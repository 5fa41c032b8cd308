//! The layer's files: those in `dist/` beside the command, or else those that it carries.

mod files;

use std::borrow::Cow;
use std::env;
use std::fs;
use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use tempfile::NamedTempFile;

use self::files::FILES;
use crate::cpu::Cpu;

include!(concat!(env!("OUT_DIR"), "/layers.rs"));

/// A layer that was there when this command was built.
struct Embedded {
    arch: &'static str,
    /// The first digits of a checksum of the files.
    id: &'static str,
    files: [&'static [u8]; 3],
}

/// The contents of a layer's files.
#[derive(Debug)]
pub struct Layer {
    /// `bootstrap`.
    pub bootstrap: Cow<'static, [u8]>,
    /// `pilotlight/libc.so`.
    pub libc: Cow<'static, [u8]>,
    /// `pilotlight/services.so`.
    pub services: Cow<'static, [u8]>,
}

impl Layer {
    /// The layer for this CPU.
    pub fn read(cpu: &Cpu) -> Result<Layer> {
        let [bootstrap, libc, services] = match beside(cpu) {
            Some(folder) => {
                let read = |file: &str| {
                    let path = folder.join(file);
                    fs::read(&path).with_context(|| path.display().to_string())
                };
                let [bootstrap, libc, services] = FILES;
                [read(bootstrap)?, read(libc)?, read(services)?].map(Cow::Owned)
            }
            None => embedded(cpu)?.files.map(Cow::Borrowed),
        };
        Ok(Layer { bootstrap, libc, services })
    }
}

/// The path of the bootstrap for this CPU, with the rest of its layer beside it.
pub fn bootstrap(cpu: &Cpu) -> Result<PathBuf> {
    let folder = match beside(cpu) {
        Some(folder) => folder,
        None => unpack(embedded(cpu)?, &cache()?)?,
    };
    Ok(folder.join(FILES[0]))
}

/// The layer's folder in `dist/`, if this command is `dist/bin/pilotlight`.
fn beside(cpu: &Cpu) -> Option<PathBuf> {
    let folder = cpu.built("layer").ok()?;
    FILES.iter().all(|file| folder.join(file).is_file()).then_some(folder)
}

fn embedded(cpu: &Cpu) -> Result<&'static Embedded> {
    let found = EMBEDDED.iter().find(|layer| layer.arch == cpu.name);
    found.with_context(|| {
        let name = cpu.name;
        format!(
            "this command was built without the layer for {name}; run ./build.sh build in a \
             checkout, with the tools for {name}, and use its dist/bin/pilotlight"
        )
    })
}

/// The user's folder for files that can be made again.
fn cache() -> Result<PathBuf> {
    let variable = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    let Some(cache) = cache else {
        bail!("the command's layer needs a folder; set HOME or XDG_CACHE_HOME, or pass --layer");
    };
    Ok(cache.join("pilotlight"))
}

/// Writes a layer into a folder of its own, unless it is there. Several commands may do so at once.
fn unpack(layer: &Embedded, cache: &Path) -> Result<PathBuf> {
    let folder = cache.join(format!("layer-{}-{}", layer.arch, layer.id));
    for (file, bytes) in FILES.iter().zip(layer.files) {
        let path = folder.join(file);
        // A damaged file is replaced: other programs clean such folders up.
        if fs::read(&path).is_ok_and(|found| found == bytes) {
            continue;
        }
        fs::create_dir_all(path.parent().context("a file lies in a folder")?)
            .and_then(|()| replace(&path, bytes, 0o755))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(folder)
}

/// Writes a file at once: readers see the old bytes or the new ones.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let mut file = NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.persist(path)?;
    Ok(())
}
