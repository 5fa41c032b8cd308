//! Counts of a program's instructions, system calls and page faults, for any CPU on any machine.
//! QEMU runs the program and logs what it does. Its times and memory would be mostly the
//! emulator's own, so none are stated.

mod faults;
mod log;

use std::fmt::Write as _;
use std::fs;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use rustix::process::Pid;
use serde_json::Value;
use serde_json::json;

use super::Candidate;
use super::check;
use crate::cpu::Cpu;
use crate::environment::ExecutionEnvironment;
use crate::environment::INIT_LIMIT;
use crate::environment::Output;
use crate::function::Function;
use crate::process;
use crate::run;

/// The number of invocations before the counted one, which is warm.
const WARM_UP: usize = 7;

/// A program's work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Instructions outside the kernel.
    pub instructions: usize,
    /// System calls, with the `execve` that starts the program.
    pub calls: usize,
}

/// The counts of one candidate.
#[derive(Debug)]
pub struct Counts {
    /// The CPU of its program.
    pub cpu: &'static Cpu,
    /// Before the first `/next`.
    pub init: Work,
    /// For one warm invocation.
    pub invocation: Work,
    /// Page faults at the program's own addresses before the first `/next`, if perf can count them.
    pub faults: Option<usize>,
}

/// Counts every candidate's work, in one start each. `folder` is for temporary files.
pub fn counts(candidates: &[Candidate], event: &[u8], folder: &Path) -> Result<Vec<Counts>> {
    let one = |candidate: &Candidate| {
        of_candidate(candidate, event, folder).with_context(|| candidate.name.clone())
    };
    candidates.iter().map(one).collect()
}

fn of_candidate(candidate: &Candidate, event: &[u8], folder: &Path) -> Result<Counts> {
    let program = &candidate.function.bootstrap;
    let cpu = Cpu::of(program).with_context(|| {
        format!("{}: a script, or for another CPU; pass the program itself", program.display())
    })?;
    let emulator = cpu.emulator()?;
    let (init, invocation) = work(candidate, event, &emulator, &folder.join("counts"))?;
    let emulated = Function { emulator: Some(emulator), ..candidate.function.clone() };
    let faults = faults::until_next(&emulated, &folder.join("faults"));
    Ok(Counts { cpu, init, invocation, faults })
}

/// The work before the first `/next`, and that of a warm invocation.
fn work(candidate: &Candidate, event: &[u8], emulator: &Path, file: &Path) -> Result<(Work, Work)> {
    let program = Function { emulator: None, ..candidate.function.clone() };
    let file_name = file.display().to_string();
    let options = [one_by_one(emulator)?, "-d", "nochain,exec,strace", "-D", &file_name];
    let function = program.under(emulator, &options);
    let environment = ExecutionEnvironment::start(&function, Output::Hidden)?;
    environment.wait_initialised(INIT_LIMIT)?;
    let so_far = || -> Result<Work> {
        wait_until_asleep(environment.pid())?;
        let work = log::until_next(BufReader::new(File::open(file)?), environment.pid())?;
        work.context("QEMU's log has no request for an event")
    };
    let invoke = |number: usize| {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let ended = environment.invoke(run::invocation(&function, &id, event), function.timeout)?;
        check(&[ended], candidate.expected.as_deref())
    };
    let init = so_far()?;
    (0..WARM_UP).try_for_each(invoke)?;
    let before = so_far()?;
    invoke(WARM_UP)?;
    let after = so_far()?;
    let invocation = Work {
        instructions: after.instructions - before.instructions,
        calls: after.calls - before.calls,
    };
    Ok((init, invocation))
}

/// The option by which QEMU logs each instruction and not whole blocks.
fn one_by_one(emulator: &Path) -> Result<&'static str> {
    const NAME: &str = "-one-insn-per-tb";
    let help = Command::new(emulator).arg("-h").output();
    let help = help.with_context(|| emulator.display().to_string())?.stdout;
    // Before QEMU 8.1, it had another name.
    Ok(if String::from_utf8_lossy(&help).contains(NAME) { NAME } else { "-singlestep" })
}

/// Waits until every thread of a process sleeps, and so waits for an event.
fn wait_until_asleep(process: Pid) -> Result<()> {
    let end = Instant::now() + INIT_LIMIT;
    while !is_asleep(process) {
        if Instant::now() > end {
            bail!("it does not wait for an event after it has asked for one");
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn is_asleep(process: Pid) -> bool {
    let Ok(threads) = fs::read_dir(process::proc_file(process, "task")) else { return false };
    threads.flatten().all(|thread| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // The program's name, in parentheses, may hold anything.
        stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with('S'))
    })
}

/// The table.
pub fn counts_table(candidates: &[Candidate], counts: &[Counts]) -> String {
    type Figure = (&'static str, fn(&Work) -> usize);
    const FIGURES: [Figure; 2] =
        [("instructions", |work| work.instructions), ("system calls", |work| work.calls)];
    let names = || candidates.iter().map(|candidate| &candidate.name).zip(counts);
    let mut text = String::new();
    // Writing to a String cannot fail.
    for (title, of) in FIGURES {
        let _ = writeln!(text, "{title:<30} {:>9} {:>14}", "init", "per invocation");
        for (name, Counts { cpu, init, invocation, .. }) in names() {
            let (cpu, init, invocation) = (cpu.name, of(init), of(invocation));
            let _ = writeln!(text, "  {name:<20} {cpu:<7} {init:>9} {invocation:>14}");
        }
    }
    let _ = writeln!(text, "{:<30} {:>9}", "page faults", "init");
    for (name, Counts { cpu, faults, .. }) in names() {
        let cpu = cpu.name;
        let _ = match faults {
            Some(faults) => writeln!(text, "  {name:<20} {cpu:<7} {faults:>9}"),
            None => writeln!(text, "  {name:<20} {cpu:<7} not counted: perf is missing or may not"),
        };
    }
    text.push_str(
        "counted under QEMU's emulation, whose times and memory say nothing about a CPU\n",
    );
    text
}

/// The counts as JSON.
pub fn counts_json(candidates: &[Candidate], counts: &[Counts]) -> Value {
    let one = |(candidate, counts): (&Candidate, &Counts)| {
        let Counts { cpu, init, invocation, faults } = counts;
        json!({
            "name": candidate.name,
            "architecture": cpu.name,
            "instructions": { "init": init.instructions, "invocation": invocation.instructions },
            "system_calls": { "init": init.calls, "invocation": invocation.calls },
            "page_faults": { "init": faults },
        })
    };
    json!({ "candidates": candidates.iter().zip(counts).map(one).collect::<Vec<_>>() })
}
