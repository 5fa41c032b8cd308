//! The remedies for a library that needs more than the runtime provides.

use std::collections::BTreeMap;

use serde::Serialize;

use super::words::listed;

/// A symbol that neither the library nor the runtime defines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissingSymbol {
    /// Its name.
    pub name: String,
    /// The library that it was found in when this one was linked, if that is noted.
    pub library: Option<String>,
}

const CPP: &str = "link with -static-libstdc++ -static-libgcc";
const CPP_OF_RUST: &str = "build with CXXSTDLIB=static=stdc++ in the environment, so that crates link C++'s library statically";
const PART_OF_GLIBC: &str =
    "link without it, if you can: it is a part of glibc, in whose place the runtime has its own";

/// Remedies by the beginnings of libraries' names. The features are those of published crates.
const BY_LIBRARY: [(&str, &str); 14] = [
    (
        "libssl. libcrypto.",
        "use rustls, or the feature `vendored` of the crate openssl (in C: link libssl.a and libcrypto.a)",
    ),
    ("libz.", "enable the feature `static` of the crate libz-sys (in C: link libz.a)"),
    ("libbz2.", "enable the feature `static` of the crate bzip2-sys (in C: link libbz2.a)"),
    (
        "liblzma.",
        "enable the feature `static` of the crate liblzma-sys or lzma-sys (in C: link liblzma.a)",
    ),
    ("libzstd.", "disable the feature `pkg-config` of the crate zstd-sys (in C: link libzstd.a)"),
    (
        "libcurl. libcurl-gnutls.",
        "enable the features `static-curl` and `static-ssl` of the crate curl (in C: link libcurl.a)",
    ),
    ("libsqlite3.", "enable the feature `bundled` of the crate rusqlite (in C: link libsqlite3.a)"),
    (
        "libpq.",
        "enable the feature `bundled` of the crate pq-sys, or use tokio-postgres (in C: link libpq.a)",
    ),
    (
        "libmysqlclient. libmariadb.",
        "enable the feature `bundled` of the crate mysqlclient-sys, or use mysql_async",
    ),
    ("libgit2.", "enable the feature `vendored-libgit2` of the crate git2 (in C: link libgit2.a)"),
    ("libasan. libubsan. libtsan. liblsan.", "build without -fsanitize"),
    ("libmvec.", "compile without -ffast-math, which calls vector functions of glibc"),
    ("libresolv. libanl. libutil. libnsl. libnss_", PART_OF_GLIBC),
    ("libstd-", "build without -C prefer-dynamic"),
];

/// Remedies by functions of glibc that the runtime leaves out.
const BY_FUNCTION: [(&str, &str); 5] = [
    (SYSTEM_CALLS, "make the system call with `syscall`, which the runtime provides"),
    ("dladdr1 dlinfo dlmopen dlvsym", "do without: a handler loads no libraries while it runs"),
    ("backtrace backtrace_symbols backtrace_symbols_fd", "use `_Unwind_Backtrace` and `dladdr`"),
    (
        "getwchar putwchar vwprintf vwscanf wprintf wscanf",
        "use `fwprintf`, `fwscanf`, `fputwc` or `fgetwc` with the stream",
    ),
    (
        "mallinfo mallinfo2 malloc_info malloc_stats malloc_trim mallopt",
        "do without: the heap is not glibc's",
    ),
];

/// Functions that are a system call and nothing else.
const SYSTEM_CALLS: &str = "\
    delete_module epoll_pwait2 execveat fsconfig fsmount fsopen fspick getcpu init_module \
    ioperm modify_ldt mount_setattr move_mount open_by_handle_at open_tree pidfd_getfd \
    pidfd_open pkey_alloc pkey_free pkey_mprotect preadv2 process_madvise process_mrelease \
    ptrace pwritev2 reboot remap_file_pages swapoff swapon vhangup";

/// The remedies for all that is missing, most of them naming it.
pub fn remedies(libraries: &[String], symbols: &[MissingSymbol], is_rust: bool) -> Vec<String> {
    let cpp = if is_rust { CPP_OF_RUST } else { CPP };
    let mut found: Vec<String> = Vec::new();
    let mut add = |remedy: String| {
        if !found.contains(&remedy) {
            found.push(remedy);
        }
    };
    for library in libraries {
        let known = BY_LIBRARY.iter().find(|(names, _)| begins(library, names));
        match known {
            _ if is_cpp_library(library) => add(cpp.to_owned()),
            Some((_, remedy)) => add(format!("{library}: {remedy}")),
            None => add(format!("{library}: {}", static_archive(library))),
        }
    }
    // The libraries above most likely define what no note ascribes to another.
    let others = symbols.iter().filter(|symbol| match &symbol.library {
        Some(library) => !libraries.contains(library),
        None => libraries.is_empty(),
    });
    let mut by_remedy: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for symbol in others {
        by_remedy.entry(remedy(symbol, cpp)).or_default().push(&symbol.name);
    }
    for (remedy, names) in by_remedy {
        add(if remedy == cpp {
            remedy.to_owned()
        } else {
            format!("{}: {remedy}", listed(&names))
        });
    }
    found
}

/// The remedy for a symbol of a library that is not missing, or of none that is known.
fn remedy(symbol: &MissingSymbol, cpp: &'static str) -> &'static str {
    let name = symbol.name.as_str();
    if let Some((_, remedy)) = BY_FUNCTION.iter().find(|(names, _)| has_word(names, name)) {
        return remedy;
    }
    match &symbol.library {
        Some(_) => {
            "do without: the runtime does not provide this part of the C library (docs/limits.md)"
        }
        None if is_cpp_symbol(name) => cpp,
        None => "link the library or the object that defines it",
    }
}

fn static_archive(library: &str) -> String {
    let stem = library.split(".so").next().unwrap_or(library);
    format!("link it statically ({stem}.a), or use a crate that builds it")
}

fn is_cpp_library(library: &str) -> bool {
    begins(library, "libstdc++. libc++. libc++abi.")
}

/// Whether C++'s own library defines a symbol of this name.
fn is_cpp_symbol(name: &str) -> bool {
    let operators = "_Znw _Zna _Zdl _Zda";
    name == "__gxx_personality_v0"
        || begins(name, "_ZNSt _ZNKSt _ZSt _ZTISt _ZTVSt _ZTVN10__cxxabiv1 __cxa_")
        || begins(name, operators)
}

/// Whether the name begins with one of the words.
fn begins(name: &str, words: &str) -> bool {
    words.split_whitespace().any(|beginning| name.starts_with(beginning))
}

fn has_word(words: &str, name: &str) -> bool {
    words.split_whitespace().any(|word| word == name)
}
