//! A program's system calls, recorded by strace in a start that is not timed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;
use pilotlight_loader::arch::Machine as _;
use pilotlight_loader::arch::Native;

use super::Candidate;
use crate::process;

/// The number of traced invocations: enough for the last one to be warm.
const INVOCATIONS: usize = 8;

/// Numbers of system calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calls {
    /// Before the first `/next`.
    pub init: usize,
    /// For one warm invocation.
    pub invocation: usize,
}

/// Counts a candidate's system calls, and finds the files that it opens. `None` without strace.
pub fn trace(
    candidate: &Candidate,
    event: &[u8],
    file: &Path,
) -> Result<Option<(Calls, Vec<PathBuf>)>> {
    let Some(strace) = process::find("strace") else { return Ok(None) };
    let options = ["-f", "-qq", "-s", "64", "-o", &file.display().to_string()];
    let traced =
        Candidate { function: candidate.function.under(&strace, &options), ..candidate.clone() };
    let (environment, _, _) = super::start(&traced, event, INVOCATIONS)?;
    environment.end();
    let calls = fs::read_to_string(file).context("strace wrote nothing")?;
    Ok(Some((count(&calls), opened(&calls))))
}

fn count(calls: &str) -> Calls {
    let lines: Vec<&str> = calls.lines().filter(|line| is_call(line)).collect();
    let next: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.contains("/runtime/invocation/next"))
        .map(|(number, _)| number)
        .collect();
    let invocation = match next.as_slice() {
        // The last `/next` is never answered; the two before it enclose a warm invocation.
        [.., one, other] => other - one,
        _ => 0,
    };
    Calls { init: next.first().copied().unwrap_or_default(), invocation }
}

/// Whether a line is the start of a call: not the end of an interrupted one, nor a signal.
fn is_call(line: &str) -> bool {
    let call = line.split_once(' ').map_or("", |(_, call)| call.trim_start());
    call.starts_with(|letter: char| letter.is_ascii_lowercase())
}

/// Regular files that were opened or executed.
fn opened(calls: &str) -> Vec<PathBuf> {
    let names: BTreeSet<&str> = calls
        .lines()
        .filter(|line| ["open(", "openat(", "execve("].iter().any(|call| line.contains(call)))
        .filter(|line| !line.contains(" = -1 "))
        .filter_map(|line| line.split('"').nth(1))
        .filter(|name| {
            name.starts_with('/') && !name.starts_with("/proc") && !name.starts_with("/sys")
        })
        .collect();
    let files = names.into_iter().map(PathBuf::from).filter(|path| path.is_file());
    // The kernel maps a program's dynamic linker itself, so no call names it.
    files.flat_map(|path| [interpreter(&path), Some(path)]).flatten().collect()
}

/// The dynamic linker that a program for this CPU names by its path.
fn interpreter(program: &Path) -> Option<PathBuf> {
    let name = Native::LINKER.as_bytes();
    let bytes = fs::read(program).ok()?;
    let head = bytes.get(..4096.min(bytes.len()))?;
    let found = head.windows(name.len()).position(|window| window == name)?;
    let start = head[..found].iter().rposition(|&byte| byte == 0)? + 1;
    let path = Path::new(OsStr::from_bytes(&head[start..found + name.len()]));
    path.is_absolute().then(|| path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_between_requests_for_work() {
        let calls = "\
7 execve(\"/bin/true\", [\"true\"], 0x1) = 0
7 openat(AT_FDCWD, \"/nowhere\", O_RDONLY) = -1 ENOENT
7 sendmsg(3, \"GET /2018-06-01/runtime/invocation/next HTTP/1.1\") = 50
7 read(3, \"HTTP\", 100 <unfinished ...>
8 --- SIGCHLD ---
7 <... read resumed>) = 4
7 sendmsg(3, \"POST\") = 50
7 sendmsg(3, \"GET /2018-06-01/runtime/invocation/next HTTP/1.1\") = 50
7 +++ killed by SIGKILL +++
";
        assert_eq!(count(calls), Calls { init: 2, invocation: 3 });
        let files = opened(calls);
        let linker = files.iter().find(|path| path.ends_with(Native::LINKER));
        assert!(linker.is_some_and(|path| path.is_absolute() && path.is_file()), "{files:?}");
        assert!(files.contains(&PathBuf::from("/bin/true")), "{files:?}");
        assert!(!files.contains(&PathBuf::from("/nowhere")), "{files:?}");
    }
}
