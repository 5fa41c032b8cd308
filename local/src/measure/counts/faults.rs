//! Page faults of an emulated program, by perf. The emulator's own are many, but QEMU gives the
//! program the low end of its addresses, so each fault's address says whose it is.
//!
//! The program's few pages that QEMU fills in the kernel's place are counted as well.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Pid;
use rustix::process::Signal;

use super::wait_until_asleep;
use crate::environment::ExecutionEnvironment;
use crate::environment::INIT_LIMIT;
use crate::environment::Output;
use crate::function::Function;
use crate::process;

/// End of the addresses that QEMU gives to programs; below all of its own.
const PROGRAMS_END: u64 = 1 << 40;

/// The number of faults before the first `/next`; `None` if perf is missing, or may not count them.
pub fn until_next(emulated: &Function, file: &Path) -> Option<usize> {
    let perf = process::find("perf")?;
    let path = file.display().to_string();
    let options = ["record", "-qBN", "-e", "page-faults", "-c", "1", "-d", "-o", &path, "--"];
    let function = emulated.under(&perf, &options);
    let environment = ExecutionEnvironment::start(&function, Output::Hidden).ok()?;
    environment.wait_initialised(INIT_LIMIT).ok()?;
    wait_until_asleep(child(environment.pid())?).ok()?;
    // perf ends the program, and writes the rest of its file.
    rustix::process::kill_process(environment.pid(), Signal::INT).ok()?;
    environment.shared().wait_for(INIT_LIMIT, |session| session.exit_status())?;
    let script = Command::new(&perf).args(["script", "-F", "addr", "-i", &path]).output().ok()?;
    let addresses = String::from_utf8(script.stdout).ok()?;
    let addresses = addresses.lines().map(|line| u64::from_str_radix(line.trim(), 16));
    Some(addresses.filter(|address| *address.as_ref().unwrap_or(&u64::MAX) < PROGRAMS_END).count())
}

/// The process that perf has started.
fn child(perf: Pid) -> Option<Pid> {
    let id = perf.as_raw_nonzero();
    let children = fs::read_to_string(process::proc_file(perf, &format!("task/{id}/children")));
    Pid::from_raw(children.ok()?.split_whitespace().next()?.parse().ok()?)
}
