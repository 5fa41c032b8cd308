//! Links the `bootstrap` executable statically with musl, and generates the table of the C symbols
//! that it exports to handlers. Without the feature `static` there is nothing to do.
//!
//! Link arguments go to the executable alone: build scripts and tests use the system's libc.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use pilotlight_loader::provided;
use pilotlight_loader::symbol_hash;
use pilotlight_loader::tls;

/// The folder of musl's archives in Debian's and Ubuntu's musl-dev.
const MUSL: &str = "/usr/lib/x86_64-linux-musl";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=layout.ld");
    println!("cargo:rerun-if-changed=src/libc");
    if env::var_os("CARGO_FEATURE_STATIC").is_none() {
        return Ok(());
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    compile("pilotlight_libc_fast", "2", &["compare", "glibc", "memory"]);
    compile("pilotlight_libc_small", "s", &["once", "signals", "streams", "threads", "variables"]);
    fs::write(out.join("exports.rs"), exports()?)?;
    link_with_musl(&out)
}

/// Compiles the C parts of `src/libc` into an archive.
fn compile(archive: &str, level: &str, names: &[&str]) {
    cc::Build::new()
        .files(names.iter().map(|name| format!("src/libc/{name}.c")))
        .flag("-fno-builtin")
        .flag("-fno-tree-loop-distribute-patterns")
        .define("TLS_RESERVE", tls::TLS_RESERVE.to_string().as_str())
        .define("TLS_ALIGN", tls::TLS_ALIGN.to_string().as_str())
        .define("MAX_TLS_LIBRARIES", tls::MAX_TLS_LIBRARIES.to_string().as_str())
        .opt_level_str(level)
        .compile(archive);
}

/// The table of exports as Rust source: the names' hashes, ordered by bucket; the index at which
/// each bucket starts; and the addresses, as assembly because Rust has no 32-bit addresses.
fn exports() -> Result<String> {
    const BUCKETS: u64 = 512;
    let mut entries = Vec::new();
    for (name, target) in provided::entries(provided::BOOTSTRAP) {
        let hash = symbol_hash(name.as_bytes());
        entries.push((hash % BUCKETS, hash, name, target));
    }
    entries.sort_unstable();
    if let Some(pair) = entries.windows(2).find(|pair| pair[0].1 == pair[1].1) {
        return Err(format!("exports.txt: {} and {} have one hash", pair[0].2, pair[1].2).into());
    }

    let mut hashes = String::new();
    let mut addresses = String::new();
    let mut lazy = Lazy::default();
    for (_, hash, name, target) in &entries {
        write!(hashes, "{hash:#x}, ")?;
        match *target {
            "lazy" => writeln!(addresses, "    \".long {}\",", lazy.add(name)?)?,
            target => writeln!(addresses, "    \".long {target}\",")?,
        }
    }
    let buckets: String = (0..=BUCKETS)
        .map(|bucket| format!("{}, ", entries.partition_point(|entry| entry.0 < bucket)))
        .collect();
    let (count, bucket_count) = (entries.len(), BUCKETS + 1);
    Ok(format!(
        "pub static HASHES: [u64; {count}] = [{hashes}];\n\
         pub static BUCKETS: [u16; {bucket_count}] = [{buckets}];\n\
         unsafe extern \"C\" {{ pub safe static pilotlight_export_addresses: [u32; {count}]; }}\n\
         core::arch::global_asm!(\n\
             \".pushsection .rodata.pilotlight_export_addresses, \\\"a\\\", @progbits\",\n\
             \".balign 4\",\n\
             \".globl pilotlight_export_addresses\",\n\
             \"pilotlight_export_addresses:\",\n{addresses}    \".popsection\"\n);\n{}",
        lazy.source()
    ))
}

/// The tables and stubs of the lazily bound functions (`src/libc/lazy.rs`).
#[derive(Default)]
struct Lazy {
    count: usize,
    /// NUL-terminated, in the order of the functions' numbers.
    names: String,
    slots: String,
    /// Two jumps for each function: through its slot, and the slot's initial target.
    code: String,
}

impl Lazy {
    /// Numbers a function, and returns the symbol of its stub.
    fn add(&mut self, name: &str) -> Result<String> {
        let number = self.count;
        self.count += 1;
        write!(self.names, "{name}\\0")?;
        writeln!(self.slots, "    \".quad pilotlight_unresolved_{name}\",")?;
        let symbol = format!("pilotlight_lazy_{name}");
        for line in [
            format!(".globl {symbol}"),
            format!("{symbol}: jmp qword ptr [pilotlight_lazy_slots + {}]", number * 8),
            format!("pilotlight_unresolved_{name}: push {number}"),
            "jmp pilotlight_resolve_lazy".into(),
        ] {
            writeln!(self.code, "    \"{line}\",")?;
        }
        Ok(symbol)
    }

    fn source(&self) -> String {
        let Lazy { count, names, slots, code } = self;
        format!(
            "pub static LAZY_NAMES: &[u8] = b\"{names}\";\n\
             unsafe extern \"C\" {{ pub safe static pilotlight_lazy_slots: [AtomicUsize; {count}]; }}\n\
             core::arch::global_asm!(\n\
                 \".pushsection .data.pilotlight_lazy_slots, \\\"aw\\\", @progbits\",\n\
                 \".balign 8\",\n\
                 \".globl pilotlight_lazy_slots\",\n\
                 \"pilotlight_lazy_slots:\",\n{slots}    \".popsection\",\n\
                 \".pushsection .text.pilotlight_lazy, \\\"ax\\\", @progbits\",\n{code}    \".popsection\"\n);\n"
        )
    }
}

fn link_with_musl(out: &Path) -> Result<()> {
    let musl = Path::new(MUSL);
    if !musl.join("crt1.o").exists() {
        return Err(format!("{MUSL} has no crt1.o; install musl-tools").into());
    }
    let folder = out.join("musl");
    fs::create_dir_all(&folder)?;
    // rustc appends -lc -lm -lrt -lpthread as dynamic libraries. A search folder that holds only
    // musl's archives makes them static.
    for entry in fs::read_dir(musl)? {
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
    argument(&format!("-Wl,-T,{}/layout.ld", env::var("CARGO_MANIFEST_DIR")?));
    argument("-Wl,--eh-frame-hdr");
    argument("-Wl,-z,norelro");
    for text in ["-Wl,--start-group", "-lgcc_eh", "-lgcc", "-lc", "-Wl,--end-group"] {
        argument(text);
    }
    argument(&musl.join("crtn.o").display().to_string());
    Ok(())
}
