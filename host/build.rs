//! Compiles the C files, and generates the table of the C symbols that the executable exports to
//! handlers. Without the feature `static` there is nothing to do.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use pilotlight_loader::provided;
use pilotlight_loader::symbol_hash;
use pilotlight_loader::tls;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/libc");
    println!("cargo:rerun-if-env-changed=PILOTLIGHT_MUSL");
    if env::var_os("CARGO_FEATURE_STATIC").is_none() {
        return Ok(());
    }
    compile("pilotlight_libc_fast", "2", &["compare", "glibc", "memory"]);
    compile("pilotlight_libc_small", "s", &["once", "signals", "streams", "threads", "variables"]);
    fs::write(Path::new(&env::var("OUT_DIR")?).join("exports.rs"), exports()?)?;
    Ok(())
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
