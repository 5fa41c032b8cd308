//! Links the `bootstrap` executable statically with musl. Without the feature `static` there is
//! nothing to do.
//!
//! Link arguments go to the executable alone: build scripts and tests use the system's libc.

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=layout.ld");
    println!("cargo:rerun-if-changed=../host/src/arch");
    println!("cargo:rerun-if-env-changed=PILOTLIGHT_MUSL");
    if env::var_os("CARGO_FEATURE_STATIC").is_none() {
        return Ok(());
    }
    link_with_musl(Path::new(&env::var("OUT_DIR")?))
}

fn link_with_musl(out: &Path) -> Result<()> {
    // The folder of musl's archives in Debian's and Ubuntu's musl-dev, unless another is named.
    let prefix = env::var_os("PILOTLIGHT_MUSL").map(|prefix| Path::new(&prefix).join("lib"));
    let cpu = env::var("CARGO_CFG_TARGET_ARCH")?;
    let system = format!("/usr/lib/{cpu}-linux-musl");
    let musl = prefix.unwrap_or_else(|| system.into());
    if !musl.join("crt1.o").exists() {
        return Err(format!("{} has no crt1.o; install musl-tools", musl.display()).into());
    }
    let folder = out.join("musl");
    fs::create_dir_all(&folder)?;
    // rustc appends -lc -lm -lrt -lpthread as dynamic libraries. A search folder that holds only
    // musl's archives makes them static.
    for entry in fs::read_dir(&musl)? {
        let from = entry?.path();
        if from.extension().is_some_and(|extension| extension == "a") {
            let to = folder.join(from.file_name().ok_or("an archive without a name")?);
            fs::remove_file(&to).ok();
            std::os::unix::fs::symlink(&from, &to)?;
        }
    }
    let argument = |text: &str| println!("cargo:rustc-link-arg-bins={text}");
    for text in ["-static", "-no-pie", "-nostdlib", "-nostartfiles"] {
        argument(text);
    }
    argument(&format!("-L{}", folder.display()));
    for object in ["crt1.o", "crti.o"] {
        argument(&musl.join(object).display().to_string());
    }
    // libgcc_eh calls these through weak references, and would jump to zero if they are missing.
    for symbol in ["pthread_once", "pthread_mutex_lock", "pthread_key_create"] {
        argument(&format!("-Wl,-u,{symbol}"));
    }
    argument("-Wl,--gc-sections");
    argument("-Wl,--build-id=none");
    // GNU ld, because Rust's lld does not distinguish the members of an archive (layout.ld).
    argument("-fuse-ld=bfd");
    let here = env::var("CARGO_MANIFEST_DIR")?;
    argument(&format!("-Wl,-T,{here}/layout.ld"));
    // The script includes a file of the CPU's, and its arithmetic is about pages of 4 KiB, which
    // GNU ld takes for x86 alone.
    argument(&format!("-L{here}/../host/src/arch/{cpu}"));
    argument("-Wl,-z,max-page-size=4096");
    // Beside the executable, for the tests of the layout.
    let folder = out.ancestors().nth(3).ok_or("no folder for the executable")?;
    argument(&format!("-Wl,-Map,{}/bootstrap.map", folder.display()));
    argument("-Wl,--eh-frame-hdr");
    argument("-Wl,-z,norelro");
    for text in ["-Wl,--start-group", "-lgcc_eh", "-lgcc", "-lc", "-Wl,--end-group"] {
        argument(text);
    }
    argument(&musl.join("crtn.o").display().to_string());
    Ok(())
}
