//! File descriptors: as many as the system allows, divided so that clients are served even when the
//! environments have used up their part.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;

use rustix::process::Pid;
use rustix::process::Resource;
use rustix::process::Rlimit;

use crate::sync::lock;

/// Descriptors reserved for uses other than clients and environments.
const SPARE: usize = 64;
/// Upper limit for the concurrent connections of clients.
const MAX_CONNECTIONS: usize = 8192;
/// Lower limit for the concurrent connections of clients, however few descriptors there are.
const MIN_CONNECTIONS: usize = 16;

/// The limit that this process inherited, once [`Shares::claim`] has raised it.
static INHERITED: OnceLock<Rlimit> = OnceLock::new();

/// The division of this process's descriptors.
#[derive(Debug)]
pub struct Shares {
    /// The maximum number of concurrent connections of clients.
    pub connections: usize,
    /// The environments' descriptors.
    pub environments: Arc<Share>,
}

impl Shares {
    /// Raises the soft limit of this process to its hard limit, and divides it.
    pub fn claim() -> Shares {
        let inherited = rustix::process::getrlimit(Resource::Nofile);
        let raised = Rlimit { current: inherited.maximum, ..inherited };
        if rustix::process::setrlimit(Resource::Nofile, raised).is_ok() {
            // It fails if the limit was raised before; then the first value is the inherited one.
            let _ = INHERITED.set(inherited);
        }
        let limit = rustix::process::getrlimit(Resource::Nofile).current;
        Shares::of(limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX))
    }

    fn of(limit: usize) -> Shares {
        let counted = limit.saturating_sub(SPARE);
        let connections = (counted / 4).clamp(MIN_CONNECTIONS, MAX_CONNECTIONS);
        let environments = Share::new(counted.saturating_sub(connections));
        Shares { connections, environments }
    }
}

/// Restores the inherited limit in a new child process: handlers see the limit of their user, not
/// the one that serving many of them needs.
pub fn restore(child: Pid) {
    if let Some(&inherited) = INHERITED.get() {
        // It fails if the process has already ended.
        let _ = rustix::process::prlimit(Some(child), Resource::Nofile, inherited);
    }
}

/// A number of descriptors that can be taken and returned.
#[derive(Debug)]
pub struct Share {
    free: Mutex<usize>,
}

impl Share {
    /// A share of `free` descriptors.
    pub fn new(free: usize) -> Arc<Share> {
        Arc::new(Share { free: Mutex::new(free) })
    }

    /// Takes `count` descriptors; `None` if fewer are left.
    pub fn take(self: &Arc<Self>, count: usize) -> Option<Taken> {
        let mut free = lock(&self.free);
        *free = free.checked_sub(count)?;
        Some(Taken { share: Arc::clone(self), count })
    }
}

/// Descriptors that are taken until this is dropped.
#[derive(Debug)]
pub struct Taken {
    share: Arc<Share>,
    count: usize,
}

impl Drop for Taken {
    fn drop(&mut self) {
        *lock(&self.share.free) += self.count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_taken_and_given_back() {
        let share = Share::new(5);
        let three = share.take(3).expect("five are free");
        assert!(share.take(3).is_none());
        drop(three);
        assert!(share.take(5).is_some());
    }

    #[test]
    fn clients_have_a_part_however_low_the_limit_is() {
        for limit in [0, 64, 256, 1024, 1 << 20, usize::MAX] {
            let Shares { connections, environments } = Shares::of(limit);
            assert!(connections >= MIN_CONNECTIONS, "{limit}");
            let free = *environments.free.lock().expect("no panic");
            assert!(free <= limit.saturating_sub(SPARE), "{limit}");
        }
        assert_eq!(Shares::of(1024).connections, 240);
    }
}
