//! The libraries of a workspace that can be handlers, by `cargo metadata`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use serde::Deserialize;

use super::Options;

/// A workspace, as `cargo metadata` describes it.
#[derive(Debug, Deserialize)]
pub struct Workspace {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    workspace_default_members: Vec<String>,
    /// Cargo's folder for what it builds.
    pub target_directory: PathBuf,
    /// The nearest manifest.
    #[serde(skip)]
    manifest: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

/// A target of a package.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub struct Target {
    name: String,
    kind: Vec<String>,
    src_path: PathBuf,
    #[serde(default)]
    crate_types: Vec<String>,
    #[serde(default, rename = "required-features")]
    required_features: Vec<String>,
}

impl Target {
    fn is_example(&self) -> bool {
        self.kind.iter().any(|kind| kind == "example")
    }
}

/// A library that may export handlers.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// The function's name.
    pub name: String,
    /// The package's id.
    pub package: String,
    target: &'a Target,
}

impl Candidate<'_> {
    /// The arguments that select it in its package.
    pub fn selection(&self) -> Vec<&str> {
        if self.target.is_example() { vec!["--example", &self.target.name] } else { vec!["--lib"] }
    }

    /// Whether this is its target, in a message of Cargo.
    pub fn is_of(&self, target: &Target) -> bool {
        let Target { name, kind, src_path, .. } = self.target;
        (name, kind, src_path) == (&target.name, &target.kind, &target.src_path)
    }
}

impl Workspace {
    /// Asks Cargo.
    pub fn read(options: &Options) -> Result<Workspace> {
        let manifest = options.manifest.as_deref();
        let mut locate = super::cargo("locate-project", manifest);
        let located = super::run(locate.args(["--message-format", "plain"]))?;
        let mut metadata = super::cargo("metadata", manifest);
        let text = super::run(metadata.args(["--format-version", "1", "--no-deps"]))?;
        let workspace: Workspace = serde_json::from_str(&text).context("cargo metadata")?;
        Ok(Workspace { manifest: PathBuf::from(located.trim_end()), ..workspace })
    }

    /// The libraries of type `cdylib` in the chosen packages.
    pub fn candidates(&self, options: &Options) -> Result<Vec<Candidate<'_>>> {
        let mut candidates: BTreeMap<String, Candidate> = BTreeMap::new();
        for package in self.chosen(options)? {
            for target in package.targets.iter().filter(|target| is_wanted(target, options)) {
                let name = name(package, target);
                let candidate = Candidate { name, package: package.id.clone(), target };
                if let Some(other) = candidates.get(&candidate.name) {
                    let (name, target) = (&candidate.name, &other.target.src_path);
                    bail!(
                        "two libraries would be the function {name}: {} and {}; rename one, or \
                         choose by --package, --lib or --example",
                        target.display(),
                        candidate.target.src_path.display()
                    );
                }
                candidates.insert(candidate.name.clone(), candidate);
            }
        }
        if candidates.is_empty() {
            bail!(
                "there is no library to build a function from; add to Cargo.toml, below [lib] or \
                 [[example]]: crate-type = [\"cdylib\"]"
            );
        }
        Ok(candidates.into_values().collect())
    }

    /// The packages that the user names, or else those that `cargo build` builds.
    fn chosen(&self, options: &Options) -> Result<Vec<&Package>> {
        let all = self.packages.iter();
        if options.workspace {
            return Ok(all.collect());
        }
        if options.packages.is_empty() {
            let root = self.workspace_root.join("Cargo.toml");
            let is_default = |package: &&Package| {
                let is_here = package.manifest_path == self.manifest;
                let is_member = self.workspace_default_members.contains(&package.id);
                if self.manifest == root { is_member } else { is_here }
            };
            return Ok(all.filter(is_default).collect());
        }
        let find = |wanted: &String| {
            let is_named = |package: &&Package| {
                let Package { name, version, .. } = *package;
                wanted == name || *wanted == format!("{name}@{version}")
            };
            let names = || self.packages.iter().map(|package| package.name.as_str());
            self.packages.iter().find(is_named).with_context(|| {
                let names: Vec<_> = names().collect();
                format!("the workspace has no package {wanted}; it has {}", names.join(", "))
            })
        };
        options.packages.iter().map(find).collect()
    }
}

fn is_wanted(target: &Target, options: &Options) -> bool {
    let Options { lib, examples, .. } = options;
    let is_chosen = if target.is_example() {
        // Cargo, too, leaves out what needs other features than the default ones.
        let is_by_default = !lib && examples.is_empty() && target.required_features.is_empty();
        is_by_default || examples.contains(&target.name)
    } else {
        *lib || examples.is_empty()
    };
    is_chosen && target.crate_types.iter().any(|kind| kind == "cdylib")
}

/// The function's name: the library's, or the package's, if that is where the library has it from.
fn name(package: &Package, target: &Target) -> String {
    let is_default = package.name.replace('-', "_") == target.name && !target.is_example();
    if is_default { package.name.clone() } else { target.name.clone() }
}
