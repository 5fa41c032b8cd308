//! Embeds the layers that `./build.sh` has put into `dist/`, and names their builds.

#[path = "src/layer/files.rs"]
mod files;

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use sha2::Digest as _;
use sha2::Sha256;

use crate::files::FILES;

/// The architectures, and the folders of their layers in `dist/`.
const LAYERS: [(&str, &str); 2] = [("x86_64", "layer"), ("arm64", "arm64/layer")];

fn main() {
    // `./build.sh` names the layers that are there in this variable. A missing file cannot be
    // watched: Cargo would take the command for changed at every build.
    println!("cargo::rerun-if-env-changed=PILOTLIGHT_LAYERS");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/layer/files.rs");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("local/ lies in it");
    let (mut list, mut builds) = (String::new(), Vec::new());
    for (arch, folder) in LAYERS {
        let paths = FILES.map(|file| root.join("dist").join(folder).join(file));
        if !paths.iter().all(|path| path.is_file()) {
            continue;
        }
        let id = id(&paths);
        let [bootstrap, libc, services] =
            paths.map(|path| format!("include_bytes!({:?})", path.display().to_string()));
        writeln!(
            list,
            "Embedded {{ arch: {arch:?}, id: {id:?}, files: [{bootstrap}, {libc}, {services}] }},"
        )
        .expect("a string");
        builds.push(format!("{arch} {id}"));
    }
    let builds = if builds.is_empty() { "none".to_owned() } else { builds.join(", ") };
    let version = format!("{}\nlayers: {builds}", env!("CARGO_PKG_VERSION"));
    let code = format!(
        "static EMBEDDED: &[Embedded] = &[{list}];\n\
         /// The version of the command, and the builds of the layers that it carries.\n\
         pub const VERSION: &str = {version:?};\n"
    );
    let target = PathBuf::from(env::var_os("OUT_DIR").expect("set by Cargo")).join("layers.rs");
    fs::write(target, code).expect("written");
}

/// The first digits of the files' SHA-256. The files are watched for changes.
fn id(paths: &[PathBuf; 3]) -> String {
    let mut hash = Sha256::new();
    for path in paths {
        println!("cargo::rerun-if-changed={}", path.display());
        let bytes = fs::read(path).expect("a file of the layer");
        hash.update(bytes.len().to_le_bytes());
        hash.update(bytes);
    }
    hash.finalize()[..6].iter().fold(String::new(), |id, byte| format!("{id}{byte:02x}"))
}
