//! The log that QEMU writes of a program: a line for each instruction, and one for each system
//! call, which begins with the number of the process.

use std::io::BufRead;

use anyhow::Result;
use rustix::process::Pid;

use super::Work;

/// Those that the kernel's vDSO answers without a call, and QEMU's emulation has no vDSO.
const OF_THE_VDSO: [&str; 4] = ["clock_gettime", "getcpu", "gettimeofday", "time"];
/// Bytes of the shortest request for an event.
const MIN_REQUEST: usize = "GET /2018-06-01/runtime/invocation/next HTTP/1.1".len();

/// The work before a program's last request. If it waits for an event, that is `/next`.
pub fn until_next(log: impl BufRead, process: Pid) -> Result<Option<Work>> {
    let start = format!("{} ", process.as_raw_nonzero());
    // The call that starts the program is not in the log.
    let mut work = Work { instructions: 0, calls: 1 };
    let mut found = None;
    for line in log.split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        // Between the beginning of a call and its result, other threads may write.
        work.instructions += line.matches("Trace ").count();
        for (name, arguments) in line.split(&start).skip(1).filter_map(call) {
            if sends_request(name, arguments) {
                found = Some(work);
            }
            work.calls += usize::from(!OF_THE_VDSO.contains(&name));
        }
    }
    Ok(found)
}

/// The name and the arguments of the system call that a text begins with.
fn call(text: &str) -> Option<(&str, &str)> {
    // QEMU does not know the newest.
    if text.starts_with("Unknown syscall ") {
        return Some(("", ""));
    }
    let (name, rest) = text.split_once('(')?;
    let is_letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let arguments = rest.split_once(')').map_or(rest, |(arguments, _)| arguments);
    name.chars().all(|letter| is_letter(letter) || letter == '_').then_some((name, arguments))
}

/// Whether a call sends a request: not a line of a log, nor the few bytes that wake a thread.
fn sends_request(name: &str, arguments: &str) -> bool {
    let mut arguments = arguments.split(',');
    let mut number = |index| arguments.nth(index)?.parse::<usize>().ok();
    if number(0).is_none_or(|descriptor| descriptor <= 2) {
        return false;
    }
    match name {
        "sendmsg" | "writev" => true,
        "sendto" | "write" => number(1).is_some_and(|length| length >= MIN_REQUEST),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_counts_until_the_last_request() {
        let log = "\
Trace 0: 0x7f00 [0/400180/1/201]
7 openat(-100,\"/x\",O_RDONLY|O_CLOEXEC) = 4
Trace 0: 0x7f00 [0/400184/1/201]
7 writev(2,0x1000,2) = 90
7 sendto(5,0x1000,105,16384,0,0) = 105
Trace 0: 0x7f00 [0/400188/1/201]
7 Unknown syscall 286
7 clock_gettime(CLOCK_MONOTONIC,0x1000) = 0 ({tv_sec = 25090,tv_nsec = 100})
7 futex(0x1000,128,1)Trace 1: 0x7f00 [0/400188/1/201]
 = 0
7 epoll_wait(4,0x1000)7 writev(5,0x1000,0x1) = 0
 = 106
Trace 0: 0x7f00 [0/40018c/1/201]
7 recvfrom(5,0x1000,4096,0,0,0) = -1 errno=11 (Resource temporarily unavailable)
7 write(6,0x1000,8) = 8
--- SIGTERM {si_signo=SIGTERM} ---
";
        let process = Pid::from_raw(7).expect("not zero");
        let work = |log: &str| until_next(log.as_bytes(), process).expect("readable");
        assert_eq!(work(log), Some(Work { instructions: 4, calls: 7 }));
        let first = log.find("Trace 0: 0x7f00 [0/400188").expect("a line");
        assert_eq!(work(&log[..first]), Some(Work { instructions: 2, calls: 3 }));
        assert_eq!(work("7 write(1,0x1000,3) = 3\n"), None);
    }
}
