//! The limits of one process and of all that it starts, from its start to its end.

use std::io;
use std::process::Child;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use rustix::process::Pid;
use rustix::process::Signal;

use super::pacer;
use super::pauses::Pauses;
use super::usage;
use super::watch;
use crate::function::Function;
use crate::limits::CpuShare;
use crate::limits::Limits;
use crate::limits::cgroup::Group;
use crate::runtime_api::Shared;
use crate::sync::lock;
use crate::threads;

/// The limits of one process.
#[derive(Debug)]
pub struct Confinement {
    limits: Limits,
    share: CpuShare,
    memory_kib: u64,
    state: Mutex<State>,
    /// It was ended because it had more than its memory.
    was_ended: AtomicBool,
}

#[derive(Debug)]
struct State {
    group: Option<Group>,
    process: Option<Pid>,
    /// Processor time until the end of init.
    used: Duration,
}

impl Confinement {
    /// The limits of a function, and the control group if there is one.
    pub fn of(function: &Function) -> Result<Confinement> {
        let Function { limits, memory_mb, .. } = *function;
        let group = Group::create(limits, memory_mb).context("cannot make a control group")?;
        Ok(Confinement {
            limits,
            share: CpuShare::of_memory(memory_mb),
            memory_kib: memory_mb << 10,
            state: Mutex::new(State { group, process: None, used: Duration::ZERO }),
            was_ended: AtomicBool::new(false),
        })
    }

    /// Starts a process, and moves it into the control group. The second result says whether that
    /// succeeded.
    pub fn start(
        &self,
        spawn: impl FnOnce() -> io::Result<Child>,
    ) -> io::Result<(Child, io::Result<()>)> {
        // Locked until the process is in the group: `end_init` waits for that.
        let mut state = lock(&self.state);
        let child = spawn()?;
        let process = Pid::from_child(&child);
        state.process = Some(process);
        let moved = state.group.as_ref().map_or(Ok(()), |group| group.add(process));
        Ok((child, moved))
    }

    /// The end of init: from now on, the process has its share. Call it before the process gets an
    /// invocation.
    pub fn end_init(&self) {
        if !self.limits.cpu {
            return;
        }
        let mut state = lock(&self.state);
        if let Some(group) = state.group.as_ref().filter(|group| group.has_cpu()) {
            // It wrote such a value to this file before.
            let _ = group.limit_cpu(self.share);
        } else if let Some(process) = state.process {
            state.used = usage::processor_time(process);
        }
    }

    /// Starts the threads for the limits that the control group does not have.
    pub fn watch(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        pauses: &Arc<Pauses>,
        process: Pid,
    ) -> io::Result<()> {
        let (cpu, memory) = {
            let state = lock(&self.state);
            let group = state.group.as_ref();
            let has_cpu = group.is_some_and(Group::has_cpu);
            (self.limits.cpu && !has_cpu, self.watches_memory(group))
        };
        if cpu {
            let (limits, shared) = (Arc::clone(self), Arc::clone(shared));
            let pauses = Arc::clone(pauses);
            threads::small().spawn(move || limits.pace(&shared, &pauses, process))?;
        }
        if memory {
            let (limits, shared) = (Arc::clone(self), Arc::clone(shared));
            let pauses = Arc::clone(pauses);
            threads::small().spawn(move || {
                let end = || {
                    limits.was_ended.store(true, Ordering::Relaxed);
                    pauses.signal(Signal::KILL);
                };
                watch::watch_memory(&shared, process, limits.memory_kib, end);
            })?;
        }
        Ok(())
    }

    fn pace(&self, shared: &Shared, pauses: &Arc<Pauses>, process: Pid) {
        let ready = shared.wait_for(Duration::MAX, |session| {
            let ended = session.exit_status().map(|_| false);
            ended.or(session.init().map(|_| true))
        });
        if ready == Some(true) {
            let used = lock(&self.state).used;
            pacer::pace(shared, pauses, process, self.share, used);
        }
    }

    /// Whether the process, which has just answered, has had more than its memory, and no control
    /// group limits that.
    pub fn is_exceeded_by(&self, process: Pid) -> bool {
        let is_watched = self.watches_memory(lock(&self.state).group.as_ref());
        let is_exceeded = is_watched && usage::memory_kib(process) > self.memory_kib;
        self.was_ended.fetch_or(is_exceeded, Ordering::Relaxed);
        is_exceeded
    }

    /// Whether a process was ended because it had more than its memory.
    pub fn is_out_of_memory(&self) -> bool {
        let state = lock(&self.state);
        let by_kernel = state.group.as_ref().is_some_and(Group::is_out_of_memory);
        by_kernel || self.was_ended.load(Ordering::Relaxed)
    }

    /// Ends what is left in the control group, and removes it.
    pub fn remove_group(&self) {
        let group = lock(&self.state).group.take();
        drop(group);
    }

    /// The limit for its memory, in KiB.
    pub fn memory_kib(&self) -> u64 {
        self.memory_kib
    }

    fn watches_memory(&self, group: Option<&Group>) -> bool {
        self.limits.memory && !group.is_some_and(Group::has_memory)
    }
}
