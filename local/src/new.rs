//! `pilotlight new`: a function that builds and runs at once.

mod deploy;

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

pub use self::deploy::TOOLS;
pub use self::deploy::Tool;
use crate::layer;

const MANIFEST: &str = include_str!("new/Cargo.toml.txt");
/// The dependency of a handler with typed events.
const SERDE: &str = "serde = { version = \"1\", features = [\"derive\"] }\n";
const README: &str = include_str!("new/README.md.txt");
const README_HTTP: &str = include_str!("new/README-http.md.txt");
const README_C: &str = include_str!("new/README-c.md.txt");
const UNIT_TEST: &str = include_str!("new/test.rs.txt");
const HELLO: &str = include_str!("../../examples/hello/src/lib.rs");
const HTTP: &str = include_str!("new/http.rs.txt");
const HELLO_C: &str = include_str!("../../examples/hello-c/hello.c");
const HEADER: &str = include_str!("../../sdk/include/pilotlight.h");

/// Names that Cargo or the compiler refuses for a package, and those of the dependencies.
const TAKEN: [&str; 11] = [
    "alloc",
    "build",
    "core",
    "deps",
    "examples",
    "incremental",
    "pilotlight",
    "proc_macro",
    "serde",
    "std",
    "test",
];
/// Keywords of Rust that a name could be.
const KEYWORDS: &str = "abstract as async await become box break const continue crate do dyn else \
    enum extern false final fn for gen if impl in let loop macro match mod move mut override priv \
    pub ref return self static struct super trait true try type typeof unsafe unsized use virtual \
    where while yield";
/// Lambda's limit for a function's name, in bytes.
const MAX_NAME: usize = 64;

/// The language of a new function.
#[derive(Clone, Debug)]
pub enum Language {
    /// Rust.
    Rust {
        /// The folder of the crate `pilotlight`; None for the published one.
        sdk: Option<PathBuf>,
        /// Whether the function answers HTTP.
        http: bool,
    },
    /// C, with a copy of the header.
    C,
}

/// Creates the folder `name` in `parent`, and fills it. Returns the dependency on the SDK, for a
/// message.
pub fn create(
    parent: &Path,
    name: &str,
    language: &Language,
    tool: Option<Tool>,
) -> Result<String> {
    check_name(name)?;
    let sdk = match language {
        Language::Rust { sdk, http } => dependency(sdk.as_deref(), *http)?,
        Language::C => String::new(),
    };
    let folder = parent.join(name);
    let shown = folder.display();
    if folder.exists() {
        bail!("{shown} exists already; choose another name, or delete it");
    }
    let write = |file: &str, text: String| {
        let path = folder.join(file);
        let inside = path.parent().unwrap_or(&folder);
        fs::create_dir_all(inside)
            .and_then(|()| layer::replace(&path, text.as_bytes(), 0o644))
            .with_context(|| format!("cannot write {}", path.display()))
    };
    let filled = |template: &str| template.replace("{name}", name).replace("{sdk}", &sdk);
    let ignored = tool.map_or("", |tool| tool.ignored);
    if let Language::Rust { http, .. } = *language {
        let (source, readme, others) = match http {
            true => (HTTP.to_owned(), README_HTTP, ""),
            false => (format!("{HELLO}\n{UNIT_TEST}"), README, SERDE),
        };
        write("Cargo.toml", filled(&MANIFEST.replace("{others}", others)))?;
        write("src/lib.rs", source)?;
        write("README.md", filled(readme))?;
        write(".gitignore", format!("/target/\n{ignored}"))?;
    } else {
        let source = HELLO_C
            .replace("-I sdk/include", "-I .")
            .replace("libhello-c.so examples/hello-c/hello.c", &format!("lib{name}.so {name}.c"));
        write(&format!("{name}.c"), source)?;
        write("pilotlight.h", HEADER.to_owned())?;
        write("README.md", filled(README_C))?;
        write(".gitignore", format!("/target/\n/*.so\n{ignored}"))?;
    }
    for (file, text) in tool.iter().flat_map(|tool| tool.files(name, language)) {
        write(file, text)?;
    }
    Ok(sdk)
}

/// The dependency on the SDK in this folder; by default on the published one of this version.
fn dependency(sdk: Option<&Path>, http: bool) -> Result<String> {
    let source = match sdk {
        Some(path) => format!("path = {:?}", sdk_folder(path)?),
        None => format!("version = {:?}", env!("CARGO_PKG_VERSION")),
    };
    let features = if http { ", features = [\"http\"]" } else { "" };
    Ok(format!("{{ {source}{features} }}"))
}

/// The absolute path of the SDK's folder.
fn sdk_folder(path: &Path) -> Result<PathBuf> {
    let manifest = fs::read_to_string(path.join("Cargo.toml")).unwrap_or_default();
    if !manifest.contains("name = \"pilotlight\"\n") {
        let path = path.display();
        bail!("{path} is not the crate pilotlight; pass the folder sdk of a checkout");
    }
    path.canonicalize().with_context(|| path.display().to_string())
}

/// Refuses a name that Cargo, the compiler or Lambda would refuse.
fn check_name(name: &str) -> Result<()> {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !name.starts_with(|first: char| first.is_ascii_alphabetic()) || !name.bytes().all(is_known) {
        bail!(
            "`{name}` is no name for a function; use letters, digits, - and _, beginning with a letter"
        );
    }
    if name.len() > MAX_NAME {
        bail!("`{name}` is longer than the {MAX_NAME} characters that Lambda allows; shorten it");
    }
    let identifier = name.replace('-', "_");
    if TAKEN.contains(&&*identifier) || KEYWORDS.split_whitespace().any(|word| word == identifier) {
        bail!("`{name}` means something else in Rust; choose another name");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_refused_in_words() {
        let long = "a".repeat(65);
        for (name, message) in [
            ("", "`` is no name for a function; use letters"),
            ("9lives", "`9lives` is no name for a function"),
            ("../up", "`../up` is no name"),
            ("größe", "`größe` is no name"),
            ("match", "`match` means something else in Rust"),
            ("proc-macro", "`proc-macro` means something else"),
            (&long, "is longer than the 64 characters that Lambda allows"),
        ] {
            let refused = check_name(name).expect_err(name).to_string();
            assert!(refused.contains(message), "{refused}");
        }
        for name in ["hello", "my-fn", "My_fn2", &long[1..]] {
            check_name(name).expect(name);
        }
    }
}
