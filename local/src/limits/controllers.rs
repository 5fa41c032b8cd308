//! The folders in which this program may make control groups.

use std::fs;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::process;

/// Prefix of the names of all groups; the id of the process that made one and a number follow.
const PREFIX: &str = "pilotlight-";

/// A folder of control groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// The path.
    pub path: PathBuf,
    /// Whether it is of cgroup v2; otherwise of v1, where each controller has its own folders.
    pub unified: bool,
}

/// The folders for new groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Controllers {
    /// Limits processor time.
    pub cpu: Option<Folder>,
    /// Limits memory.
    pub memory: Option<Folder>,
}

/// A mounted hierarchy.
struct Mount<'a> {
    /// The group whose folder is the mount point.
    root: &'a str,
    point: &'a str,
    kind: &'a str,
    options: &'a str,
}

impl Controllers {
    /// The folders nearest to this process's own groups in which a new group has each controller.
    /// Removes the groups there whose makers are gone.
    pub fn find() -> Controllers {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let mounts: Vec<Mount> = mounts.lines().filter_map(mount).collect();
        let unified = |wanted: &[&str]| unified(&mounts, &own, wanted);
        let both = unified(&["cpu", "memory"]);
        let legacy = |controller| legacy(&mounts, &own, controller);
        let cpu = both.clone().or_else(|| unified(&["cpu"])).or_else(|| legacy("cpu"));
        let memory = both.or_else(|| legacy("memory"));
        let found = Controllers { cpu, memory };
        for folder in found.cpu.iter().chain(&found.memory) {
            remove_stale(&folder.path);
        }
        found
    }
}

/// The name of a group of this process.
pub fn name(number: u64) -> String {
    format!("{PREFIX}{}-{number}", process::id())
}

/// A line of `mountinfo`.
fn mount(line: &str) -> Option<Mount<'_>> {
    let (mount, system) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(3);
    let (root, point) = (mount.next()?, mount.next()?);
    let mut system = system.split(' ');
    let (kind, options) = (system.next()?, system.nth(1)?);
    Some(Mount { root, point, kind, options })
}

/// The folder of this process's own group. A line of `own` has the hierarchy's number, its
/// controllers (none for v2) and the group.
fn own_folder(mount: &Mount, own: &str, controller: &str) -> Option<PathBuf> {
    let group = own.lines().find_map(|line| {
        let (controllers, group) = line.split_once(':')?.1.split_once(':')?;
        controllers.split(',').any(|one| one == controller).then_some(group)
    })?;
    let below = Path::new(group).strip_prefix(mount.root).ok()?;
    Some(Path::new(mount.point).join(below))
}

/// Under cgroup v2, new groups have those controllers that their parent passes on, and only a
/// parent of both groups may move a process.
fn unified(mounts: &[Mount], own: &str, wanted: &[&str]) -> Option<Folder> {
    let mount = mounts.iter().find(|mount| mount.kind == "cgroup2")?;
    let own = own_folder(mount, own, "")?;
    let passes = |folder: &&Path| {
        let passed = fs::read_to_string(folder.join("cgroup.subtree_control")).unwrap_or_default();
        wanted.iter().all(|wanted| passed.split_whitespace().any(|passed| passed == *wanted))
    };
    let above = own.ancestors().take_while(|folder| folder.starts_with(mount.point));
    let path = above.filter(passes).find(|folder| is_usable(folder))?.to_path_buf();
    Some(Folder { path, unified: true })
}

fn legacy(mounts: &[Mount], own: &str, controller: &str) -> Option<Folder> {
    let has = |mount: &&Mount| mount.options.split(',').any(|option| option == controller);
    let mount = mounts.iter().filter(|mount| mount.kind == "cgroup").find(has)?;
    let path = own_folder(mount, own, controller)?;
    is_usable(&path).then_some(Folder { path, unified: false })
}

/// Whether this process may make groups here and move processes into them.
fn is_usable(folder: &Path) -> bool {
    let trial = folder.join(format!("{PREFIX}{}-trial", process::id()));
    let moves = OpenOptions::new().write(true).open(folder.join("cgroup.procs")).is_ok();
    moves && fs::create_dir(&trial).is_ok() && fs::remove_dir(&trial).is_ok()
}

/// The groups that a process has made in a folder.
pub fn groups(folder: &Path, maker: u32) -> Vec<PathBuf> {
    let maker = maker.to_string();
    all(folder).filter(|(of, _)| *of == maker).map(|(_, path)| path).collect()
}

/// Our groups in a folder, each with the id of its maker.
fn all(folder: &Path) -> impl Iterator<Item = (String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let name = entry.file_name();
        let maker = name.to_str()?.strip_prefix(PREFIX)?.split('-').next()?;
        Some((maker.to_owned(), entry.path()))
    })
}

/// Removes the empty groups of processes that are gone.
fn remove_stale(folder: &Path) {
    for (_, path) in all(folder).filter(|(maker, _)| is_gone(maker)) {
        // It fails while a process is left in the group; a later command tries again.
        let _ = fs::remove_dir(path);
    }
}

/// Whether a process has ended; its parent may still have to take notice.
fn is_gone(process: &str) -> bool {
    let program = fs::read_link(Path::new("/proc").join(process).join("exe"));
    program.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_and_own_groups_are_read() {
        let lines = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n\
                     32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
                     41 31 0:38 /user /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw";
        let mounts: Vec<Mount> = lines.lines().filter_map(mount).collect();
        let own = "4:cpu,cpuacct:/a\n0::/user/me/app";
        let folder = own_folder(&mounts[1], own, "cpu");
        assert_eq!(folder.as_deref(), Some(Path::new("/sys/fs/cgroup/cpu/a")));
        let folder = own_folder(&mounts[2], own, "");
        assert_eq!(folder.as_deref(), Some(Path::new("/sys/fs/cgroup/unified/me/app")));
        assert_eq!(own_folder(&mounts[1], own, "memory"), None);
    }

    #[test]
    fn of_cgroup_v2_the_nearest_folder_that_passes_controllers_on_is_taken() {
        let root = tempfile::tempdir().expect("a folder");
        let own = root.path().join("user/app");
        fs::create_dir_all(&own).expect("made");
        for folder in [root.path(), &root.path().join("user"), &own] {
            fs::write(folder.join("cgroup.procs"), "").expect("written");
        }
        fs::write(root.path().join("cgroup.subtree_control"), "cpu memory").expect("written");
        fs::write(root.path().join("user/cgroup.subtree_control"), "cpu pids").expect("written");
        let point = root.path().to_str().expect("UTF-8");
        let mounts = [Mount { root: "/", point, kind: "cgroup2", options: "rw" }];
        let path =
            |wanted: &[&str]| unified(&mounts, "0::/user/app", wanted).map(|folder| folder.path);
        assert_eq!(path(&["cpu"]), Some(root.path().join("user")));
        assert_eq!(path(&["cpu", "memory"]), Some(root.path().to_path_buf()));
        assert_eq!(path(&["io"]), None);
    }

    #[test]
    fn groups_of_processes_that_are_gone_are_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let stale = folder.path().join(format!("{PREFIX}{}-1", i32::MAX));
        let [own, other] = [name(1), "other-1".to_owned()].map(|name| folder.path().join(name));
        for path in [&stale, &own, &other] {
            fs::create_dir(path).expect("made");
        }
        remove_stale(folder.path());
        assert_eq!([&stale, &own, &other].map(|path| path.exists()), [false, true, true]);
    }
}
