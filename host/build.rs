//! Compiles the C files and those of the CPU, and generates the table of the C symbols that the
//! executable exports to handlers. Without the feature `static` there is nothing to do.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use pilotlight_loader::provided;
use pilotlight_loader::symbol_hash;
use pilotlight_loader::tls;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/arch");
    println!("cargo:rerun-if-changed=src/libc");
    println!("cargo:rerun-if-env-changed=PILOTLIGHT_MUSL");
    if env::var_os("CARGO_FEATURE_STATIC").is_none() {
        return Ok(());
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let exports = Exports::read()?;
    fs::write(out.join("exports.rs"), exports.rust())?;
    fs::write(out.join("exports.s"), exports.assembly()?)?;

    let cpu = Path::new("src/arch").join(env::var("CARGO_CFG_TARGET_ARCH")?);
    let libc = |name: &str| Path::new("src/libc").join(name);
    let mut fast = vec![libc("glibc.c")];
    for entry in fs::read_dir(&cpu).map_err(|error| format!("{}: {error}", cpu.display()))? {
        fast.push(entry?.path());
    }
    fast.retain(|path| path.extension().is_some_and(|extension| extension == "c"));
    fast.sort();
    let small = ["once.c", "realpath.c", "signals.c", "streams.c", "threads.c", "variables.c"];
    let small = small.map(libc);
    let assembly = ["once.s", "tls_descriptor.s", "walk.s"].map(|name| cpu.join(name));
    let small = [&small[..], &assembly, &[out.join("exports.s")]].concat();
    cc::Build::new()
        .objects(compile(&cpu, "2", &fast)?)
        .objects(compile(&cpu, "s", &small)?)
        .try_compile("pilotlight_libc")?;
    Ok(())
}

/// Compiles and assembles files; returns the objects.
fn compile(cpu: &Path, level: &str, files: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let objects = cc::Build::new()
        .files(files)
        .include(cpu)
        .flag("-fno-builtin")
        .flag("-fno-tree-loop-distribute-patterns")
        .define("TLS_RESERVE", tls::TLS_RESERVE.to_string().as_str())
        .define("TLS_ALIGN", tls::TLS_ALIGN.to_string().as_str())
        .define("MAX_TLS_LIBRARIES", tls::MAX_TLS_LIBRARIES.to_string().as_str())
        .opt_level_str(level)
        .try_compile_intermediates()?;
    Ok(objects)
}

const BUCKETS: u64 = 256;

/// The bits of a hash that the table holds, to which the bucket's number adds eight.
fn tag(hash: u64) -> u32 {
    u32::try_from(hash >> 32).expect("half of it")
}

/// One line of `exports.txt`. The first field orders them.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Export {
    bucket: u64,
    hash: u64,
    name: &'static str,
    target: &'static str,
}

impl Export {
    fn is_lazy(&self) -> bool {
        self.target == "lazy"
    }
}

/// The exported C symbols, ordered by bucket.
struct Exports(Vec<Export>);

impl Exports {
    fn read() -> Result<Exports> {
        let mut exports = Vec::new();
        for (name, target) in provided::entries(provided::BOOTSTRAP) {
            let hash = symbol_hash(name.as_bytes());
            exports.push(Export { bucket: hash % BUCKETS, hash, name, target });
        }
        exports.sort_unstable();
        let mut known = BTreeMap::new();
        for (name, _) in
            provided::entries(provided::BOOTSTRAP).chain(provided::entries(provided::MODULE))
        {
            let hash = symbol_hash(name.as_bytes());
            let other = known.insert((hash % BUCKETS, tag(hash)), name);
            if let Some(other) = other.filter(|other| *other != name) {
                return Err(format!("{name} and {other} are one symbol to the table").into());
            }
        }
        Ok(Exports(exports))
    }

    /// The tags of the names' hashes; the index at which each bucket starts; and the names of the
    /// lazily bound functions (`src/libc/lazy.rs`), NUL-terminated, in the order of their numbers.
    fn rust(&self) -> String {
        let tags: String =
            self.0.iter().map(|export| format!("{:#x}, ", tag(export.hash))).collect();
        let start = |bucket| self.0.partition_point(|export| export.bucket < bucket);
        let buckets: String = (0..=BUCKETS).map(|bucket| format!("{}, ", start(bucket))).collect();
        let lazy = || self.0.iter().filter(|export| export.is_lazy());
        let names: String = lazy().map(|export| format!("{}\\0", export.name)).collect();
        let (count, bucket_count, lazy_count) = (self.0.len(), BUCKETS + 1, lazy().count());
        format!(
            "pub static TAGS: [u32; {count}] = [{tags}];\n\
             pub static BUCKETS: [u16; {bucket_count}] = [{buckets}];\n\
             pub static LAZY_NAMES: &[u8] = b\"{names}\";\n\
             unsafe extern \"C\" {{\n\
             pub safe static pilotlight_export_addresses: [u32; {count}];\n\
             pub safe static pilotlight_lazy_slots: [AtomicUsize; {lazy_count}];\n\
             }}\n"
        )
    }

    /// The stubs of the lazily bound functions, and the table of addresses: no Rust, because
    /// Rust has no 32-bit addresses.
    fn assembly(&self) -> Result<String> {
        let mut text = String::from(".include \"lazy.s\"\n");
        for (number, export) in self.0.iter().filter(|export| export.is_lazy()).enumerate() {
            writeln!(text, "lazy {}, {number}", export.name)?;
        }
        text.push_str(
            ".section .rodata.pilotlight_export_addresses, \"a\"\n\
             .balign 4\n\
             .globl pilotlight_export_addresses\n\
             pilotlight_export_addresses:\n",
        );
        for export in &self.0 {
            if export.is_lazy() {
                writeln!(text, ".long pilotlight_lazy_{}", export.name)?;
            } else {
                writeln!(text, ".long {}", export.target)?;
            }
        }
        Ok(text)
    }
}
