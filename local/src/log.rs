//! Lines on standard error: this command's own, and those of execution environments. Lines of
//! different threads are never mixed, and a closed standard error is ignored.

use std::fmt;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::thread;
use std::time::Duration;

use rustix::event::PollFd;
use rustix::event::PollFlags;

use crate::sync::lock;
use crate::threads;

/// Limit for the log's tail in `X-Amz-Log-Result`, in bytes.
const MAX_TAIL: usize = 4096;
/// Limit for the output that is kept of one invocation, in bytes; the earliest is dropped.
const MAX_KEPT: usize = 32 << 10;
/// Limit for a shown line, in bytes. A longer one is split, as CloudWatch does with events.
const MAX_LINE: usize = 256 << 10;

/// Writes a message of this command.
pub fn say(message: impl fmt::Display) {
    show(format!("pilotlight: {message}\n").as_bytes());
}

/// Writes whole lines to standard error.
pub fn show(lines: &[u8]) {
    // Standard error may be closed; there is no other place to report that.
    let _ = io::stderr().lock().write_all(lines);
}

/// The log of one process.
pub struct Log {
    /// The reading end of the pipe, non-blocking.
    pipe: io::PipeReader,
    written: Mutex<Written>,
    /// Prefix of each shown line; `None` shows no lines.
    label: Option<String>,
}

/// The end of a process's output since the previous invocation, without labels.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The output.
    pub bytes: Vec<u8>,
    /// The number of bytes before it that were dropped.
    pub dropped: usize,
}

impl Kept {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let surplus = self.bytes.len().saturating_sub(MAX_KEPT);
        self.bytes.drain(..surplus);
        self.dropped += surplus;
    }

    /// The part that clients get in `X-Amz-Log-Result`: the last 4 KiB.
    pub fn tail(&self) -> &[u8] {
        &self.bytes[self.bytes.len().saturating_sub(MAX_TAIL)..]
    }
}

/// The part of the process's output that is not passed on yet.
#[derive(Default)]
struct Written {
    kept: Kept,
    /// The last, incomplete line.
    line: Vec<u8>,
    ended: bool,
}

impl Log {
    /// A log, and the writing ends for a process. With a label, lines are shown on standard error,
    /// each prefixed with the label.
    pub fn open(label: Option<String>) -> io::Result<(Arc<Log>, Stdio, Stdio)> {
        let (pipe, writer) = io::pipe()?;
        rustix::io::ioctl_fionbio(&pipe, true)?;
        let copy = writer.try_clone()?;
        let log = Log { pipe, written: Mutex::default(), label };
        Ok((Arc::new(log), writer.into(), copy.into()))
    }

    /// Starts a thread that reads until no process has the writing end open.
    pub fn follow(self: &Arc<Self>) -> io::Result<()> {
        let log = Arc::clone(self);
        threads::small().spawn(move || {
            while !log.written().ended {
                let mut wait = [PollFd::new(&log.pipe, PollFlags::IN)];
                if rustix::event::poll(&mut wait, None).is_err() {
                    // Interrupted by a signal; no output is lost.
                    thread::sleep(Duration::from_millis(1));
                }
                log.read();
            }
        })?;
        Ok(())
    }

    /// Reads everything that was written until now.
    pub fn read(&self) {
        self.read_into(&mut self.written());
    }

    fn read_into(&self, written: &mut Written) {
        let mut bytes = [0; 8192];
        loop {
            match (&self.pipe).read(&mut bytes) {
                Ok(0) => {
                    written.ended = true;
                    self.show(written, true);
                }
                Ok(read) => {
                    self.push(written, &bytes[..read]);
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => {}
            }
            return;
        }
    }

    fn push(&self, written: &mut Written, bytes: &[u8]) {
        written.kept.push(bytes);
        if self.label.is_some() {
            written.line.extend_from_slice(bytes);
            self.show(written, false);
        }
    }

    /// Shows the complete lines; `all` completes the last one, too.
    fn show(&self, written: &mut Written, all: bool) {
        let Some(label) = &self.label else { return };
        if all && !written.line.is_empty() && !written.line.ends_with(b"\n") {
            written.line.push(b'\n');
        }
        let last = written.line.iter().rposition(|&byte| byte == b'\n');
        let end = last.map_or(0, |last| last + 1);
        let mut lines = labelled(label, &written.line[..end]);
        written.line.drain(..end);
        if written.line.len() > MAX_LINE {
            written.line.push(b'\n');
            lines.extend(labelled(label, &std::mem::take(&mut written.line)));
        }
        if !lines.is_empty() {
            show(&lines);
        }
    }

    /// Writes one of Lambda's own lines, after the output of the process so far.
    pub fn line(&self, line: &str) {
        let mut written = self.written();
        self.read_into(&mut written);
        self.show(&mut written, true);
        self.push(&mut written, format!("{line}\n").as_bytes());
    }

    /// The output since the previous call.
    pub fn take(&self) -> Kept {
        std::mem::take(&mut self.written().kept)
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        lock(&self.written)
    }
}

/// Prefixes each line with the label.
fn labelled(label: &str, lines: &[u8]) -> Vec<u8> {
    if label.is_empty() {
        return lines.to_vec();
    }
    let lines = lines.split_inclusive(|&byte| byte == b'\n');
    lines.flat_map(|line| [label.as_bytes(), line].concat()).collect()
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("label", &self.label).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_output_is_kept() {
        let mut kept = Kept::default();
        for letter in [b'a', b'b', b'c'] {
            kept.push(&[letter; 16 << 10]);
        }
        assert_eq!((kept.bytes.len(), kept.dropped), (MAX_KEPT, 16 << 10));
        assert_eq!((kept.bytes[0], kept.tail()), (b'b', &[b'c'; MAX_TAIL][..]));
    }

    #[test]
    fn each_line_has_the_label() {
        assert_eq!(labelled("f#1 | ", b"one\ntwo\n"), b"f#1 | one\nf#1 | two\n");
        assert_eq!(labelled("", b"one\n"), b"one\n");
        assert_eq!(labelled("f#1 | ", b""), b"");
    }
}
