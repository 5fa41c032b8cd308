//! The functions that a command is for: named by a path, by the name that `pilotlight build` gave
//! them, or not at all.

use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Result;
use anyhow::bail;

/// The folder that `pilotlight build` fills, below the folder of the workspace.
pub const BUILT: &str = "target/lambda";

/// The file that the user names: a path, or the name of a function that was built. Dashes and
/// underscores are alike, as Cargo writes one for the other.
pub fn named(path: &Path) -> PathBuf {
    if path.exists() {
        return path.to_path_buf();
    }
    let is_name = path.extension().is_none() && path.components().count() == 1;
    let built = built().into_iter().flatten();
    let mut found =
        built.filter(|(name, _)| is_name && alike(name) == alike(&path.to_string_lossy()));
    if let Some((_, file)) = found.next() {
        return file;
    }
    let siblings = fs::read_dir(parent(path)).into_iter().flatten().flatten();
    let is_alike = |sibling: &PathBuf| {
        let name = |path: &Path| path.file_name().map(|name| alike(&name.to_string_lossy()));
        name(sibling) == name(path)
    };
    // A missing file is reported by the caller.
    siblings.map(|entry| entry.path()).find(is_alike).unwrap_or_else(|| path.to_path_buf())
}

/// The only function that was built.
pub fn only() -> Result<PathBuf> {
    let built = all()?;
    if let [(_, file)] = built.as_slice() {
        return Ok(file.clone());
    }
    let names: Vec<_> = built.into_iter().map(|(name, _)| name).collect();
    bail!("there are several functions in {BUILT}; name one of {}", names.join(", "))
}

/// The functions that were built, by name, in its order.
pub fn all() -> Result<Vec<(String, PathBuf)>> {
    match built() {
        Some(built) if !built.is_empty() => Ok(built),
        _ => bail!(
            "there is no function in {BUILT}; run pilotlight build first, or pass the path of a \
             handler's .so"
        ),
    }
}

/// The functions below `target/lambda` of this folder or of the nearest one above it.
fn built() -> Option<Vec<(String, PathBuf)>> {
    let current = env::current_dir().ok()?;
    let folder = current.ancestors().map(|above| above.join(BUILT)).find(|path| path.is_dir())?;
    let folder = folder.strip_prefix(&current).map(Path::to_path_buf).unwrap_or(folder);
    let entries = fs::read_dir(&folder).ok()?.flatten();
    let mut found: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let files = ["bootstrap", &format!("lib{name}.so")].map(|file| entry.path().join(file));
            Some((name, files.into_iter().find(|path| path.is_file())?))
        })
        .collect();
    found.sort();
    Some(found)
}

fn alike(name: &str) -> String {
    name.replace('-', "_")
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}
