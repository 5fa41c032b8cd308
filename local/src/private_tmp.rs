//! A `/tmp` of its own for an execution environment, as Lambda's have.
//!
//! A mount namespace belongs to a thread, and a process inherits that of the thread that starts
//! it: so the environment's own thread moves to a new one and mounts there, and the process itself
//! starts as fast as ever.

use std::fs;
use std::io;
use std::path::Path;

use rustix::mount::MountPropagationFlags;
use rustix::thread::UnshareFlags;

/// Makes `folder` the `/tmp` of this thread and of all that it starts, for good. `keep` stays
/// where it is, if it lies under `/tmp`: the function's package and the layer. Needs root.
pub fn enter(folder: &Path, keep: &[&Path]) -> io::Result<()> {
    // SAFETY: what other threads share with this one is their file system context and mounts, and
    // this flag takes both from this thread alone; file descriptors stay as they are.
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
