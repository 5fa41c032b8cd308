//! The floors of the house: no crate looks up to one above it, and no files import each other in a
//! circle.
//!
//! A file imports another if its code names a path into it, in a `use` or elsewhere; a re-exported
//! name counts as its origin. A module may name its parents, whose private part it is. Test modules
//! may look up: they do not ship. Manifests and the paths of `include_str!` count as well.

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::fs;
use std::path::Path;

/// The root of the tree.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../");

/// A crate: its folder, its name in code, and the folders of the crates that it may import.
type Floor = (&'static str, &'static str, &'static [&'static str]);

const FLOORS: [Floor; 9] = [
    ("bootstrap", "pilotlight_bootstrap", &["layer/services/abi", "host", "loader", "sdk/abi"]),
    ("layer", "package_layer", &[]),
    ("layer/services", "pilotlight_services", &["layer/services/abi", "sdk/abi"]),
    ("layer/services/abi", "pilotlight_services_abi", &["sdk/abi"]),
    ("local", "pilotlight_local", &["loader", "sdk/abi"]),
    ("host", "pilotlight_host", &["loader", "sdk/abi"]),
    ("loader", "pilotlight_loader", &["sdk/abi"]),
    ("sdk", "pilotlight", &["sdk/abi"]),
    ("sdk/abi", "pilotlight_abi", &[]),
];

/// The folders of the files that `pilotlight new` copies into a new function.
const COPIED: [&str; 2] = ["examples/", "sdk/include/"];

/// A source file that ships.
struct Source {
    path: String,
    /// Index into [`FLOORS`].
    floor: usize,
    /// The segments of its module's path within the crate.
    module: Vec<String>,
    /// Its code, without comments and test modules.
    lines: Vec<String>,
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for (floor, (folder, ..)) in FLOORS.iter().enumerate() {
        let mut paths = vec![format!("{folder}/build.rs")];
        list(&format!("{folder}/src"), &mut paths);
        for path in paths {
            let Ok(text) = fs::read_to_string(format!("{ROOT}{path}")) else { continue };
            let inside = path.strip_prefix(&format!("{folder}/src/")).unwrap_or("build.rs");
            let names = inside.trim_end_matches(".rs").split('/').map(String::from);
            let mut module: Vec<String> = names.collect();
            module.pop_if(|name| matches!(name.as_str(), "mod" | "lib" | "main"));
            let shipped = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let code = |line: &str| line.split("//").next().unwrap_or_default().to_string();
            found.push(Source { path, floor, module, lines: shipped.lines().map(code).collect() });
        }
    }
    found
}

/// Appends the Rust files of a folder in order of their names, without those of tests.
fn list(folder: &str, paths: &mut Vec<String>) {
    let entries = fs::read_dir(format!("{ROOT}{folder}")).expect(folder);
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    for name in names.collect::<BTreeSet<_>>() {
        let path = format!("{folder}/{}", name.display());
        if Path::new(ROOT).join(&path).is_dir() {
            list(&path, paths);
        } else if path.ends_with(".rs") && name != "tests.rs" {
            paths.push(path);
        }
    }
}

/// The paths `a::b::c` in a line of code, outside quotes, as their segments.
fn paths(line: &str) -> impl Iterator<Item = Vec<&str>> {
    let is_part = |found: char| found.is_alphanumeric() || found == '_' || found == ':';
    let words = line.split('"').step_by(2).flat_map(move |code| code.split(move |c| !is_part(c)));
    words
        .filter(|word| word.contains("::"))
        .map(|word| word.split("::").filter(|segment| !segment.is_empty()).collect())
}

/// The file that a path leads into, seen from `from`; None if that is no file of the house.
fn resolve(sources: &[Source], from: &Source, path: &[&str]) -> Option<usize> {
    let (mut floor, mut module) = (from.floor, from.module.clone());
    for (index, &segment) in path.iter().enumerate() {
        match segment {
            "self" => {}
            "super" => drop(module.pop()),
            "crate" => module.clear(),
            name if index == 0 => {
                floor = FLOORS.iter().position(|floor| floor.1 == name)?;
                module.clear();
            }
            name => module.push(name.to_string()),
        }
    }
    let (index, name) = (0..=module.len()).rev().find_map(|depth| {
        let is = |found: &Source| found.floor == floor && found.module == module[..depth];
        Some((sources.iter().position(is)?, module.get(depth)))
    })?;
    let origin = name.and_then(|name| {
        let lines = sources[index].lines.iter();
        let public = lines.filter(|line| line.starts_with("pub"));
        let mut paths = public.filter_map(|line| line.split_once(" use ")?.1.strip_suffix(';'));
        let origin = paths.find(|path| path.rsplit("::").next() == Some(name))?;
        resolve(sources, &sources[index], &origin.split("::").collect::<Vec<_>>())
    });
    Some(origin.unwrap_or(index))
}

/// The files that each file imports, by index.
fn imports(sources: &[Source]) -> Vec<BTreeSet<usize>> {
    let imports_of = |source: &Source| {
        let paths = source.lines.iter().flat_map(|line| paths(line));
        let found = paths.filter_map(|path| resolve(sources, source, &path));
        let is_parent = |other: &Source| {
            other.floor == source.floor && source.module.starts_with(&other.module)
        };
        found.filter(|&other| !is_parent(&sources[other])).collect()
    };
    sources.iter().map(imports_of).collect()
}

/// The shortest circle through a file, if the file is the first of its files.
fn circle(imports: &[BTreeSet<usize>], start: usize) -> Option<Vec<usize>> {
    let mut trails = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(trail) = trails.pop_front() {
        for &next in &imports[*trail.last()?] {
            let trail = [&trail[..], &[next]].concat();
            if next == start {
                return Some(trail).filter(|trail| trail.iter().min() == Some(&start));
            }
            if seen.insert(next) {
                trails.push_back(trail);
            }
        }
    }
    None
}

/// The text from `begin` to the next quote.
fn quoted<'a>(line: &'a str, begin: &str) -> Option<&'a str> {
    line.split_once(begin)?.1.split('"').next()
}

/// Whether a crate may look at the path `target`, which is relative to `folder`.
fn may_look((own, _, below): Floor, folder: &str, target: &str) -> bool {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in target.split('/') {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    let path = parts.join("/") + "/";
    let holds = |folder: &&str| path.starts_with(&format!("{folder}/"));
    let owner = FLOORS.iter().map(|floor| floor.0).filter(holds).max_by_key(|folder| folder.len());
    let is_copied = own == "local" && COPIED.iter().any(|folder| path.starts_with(folder));
    is_copied || owner.is_some_and(|owner| owner == own || below.contains(&owner))
}

#[test]
fn no_import_runs_up_and_no_files_import_each_other_in_a_circle() {
    let sources = sources();
    let imports = imports(&sources);
    let mut faults = BTreeSet::new();
    for (index, source) in sources.iter().enumerate() {
        let floor = FLOORS[source.floor];
        for other in imports[index].iter().map(|&other| &sources[other]) {
            if other.floor != source.floor && !floor.2.contains(&FLOORS[other.floor].0) {
                faults.insert(format!("upward: {} -> {}", source.path, other.path));
            }
        }
        let folder = source.path.rsplit_once('/').expect("a folder").0;
        for line in &source.lines {
            let included = line.split_once("include").and_then(|(_, rest)| quoted(rest, "!(\""));
            if let Some(target) = included.filter(|target| !may_look(floor, folder, target)) {
                faults.insert(format!("upward: {} includes {target}", source.path));
            }
        }
        if let Some(found) = circle(&imports, index) {
            let files: Vec<&str> = found.iter().map(|&file| sources[file].path.as_str()).collect();
            faults.insert(format!("circle: {}", files.join(" -> ")));
        }
    }
    for floor in FLOORS {
        let manifest = fs::read_to_string(format!("{ROOT}{}/Cargo.toml", floor.0)).expect(floor.0);
        let shipped = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        let targets = shipped.lines().filter_map(|line| quoted(line, "{ path = \""));
        for target in targets.filter(|target| !may_look(floor, floor.0, target)) {
            faults.insert(format!("upward: {}/Cargo.toml depends on {target}", floor.0));
        }
    }
    // A scan that finds nothing finds no fault either.
    assert!(imports.iter().map(BTreeSet::len).sum::<usize>() > 300, "too few imports were found");
    assert!(faults.is_empty(), "{faults:#?}");
}
