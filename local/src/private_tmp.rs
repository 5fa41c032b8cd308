//! A private `/tmp` for an execution environment, as on Lambda.
//!
//! A mount namespace belongs to a thread, and a process inherits the namespace of the thread that
//! starts it. So the environment's own thread enters a new namespace and mounts there, which adds
//! nothing to the start of the process.

use std::fs;
use std::io;
use std::path::Path;

use rustix::mount::MountPropagationFlags;
use rustix::thread::UnshareFlags;

/// Makes `folder` the `/tmp` of this thread and of all processes that it starts, forever. Folders
/// in `keep` (the function's package, the layer) stay visible if they are under `/tmp`. Needs root.
pub fn enter(folder: &Path, keep: &[&Path]) -> io::Result<()> {
    // SAFETY: the flag separates the file system context and the mounts of this thread alone from
    // those that it shares with other threads; file descriptors stay shared.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private)?;
    for path in keep {
        if let Ok(inside) = path.strip_prefix("/tmp") {
            let target = folder.join(inside);
            fs::create_dir_all(&target)?;
            rustix::mount::mount_bind(*path, &target)?;
        }
    }
    Ok(rustix::mount::mount_bind_recursive(folder, "/tmp")?)
}
