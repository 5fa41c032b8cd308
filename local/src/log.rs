//! Lines on standard error: this command's own, and what execution environments write. Each is written
//! whole, whichever thread it comes from, and a standard error that is gone stops nothing.

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

/// How much of a log `X-Amz-Log-Result` carries, in bytes.
const MAX_TAIL: usize = 4096;
/// A line is shown in parts of at most this many bytes, as CloudWatch cuts events at 256 KiB.
const MAX_LINE: usize = 256 << 10;

/// Says something of this command's own.
pub fn say(message: impl fmt::Display) {
    show(format!("pilotlight: {message}\n").as_bytes());
}

/// Writes whole lines to standard error.
pub fn show(lines: &[u8]) {
    // Nothing can be done for a standard error that is gone.
    let _ = io::stderr().lock().write_all(lines);
}

/// The log of one process.
pub struct Log {
    /// The end that is read, without blocking.
    pipe: io::PipeReader,
    written: Mutex<Written>,
    /// The beginning of each line that is shown; None shows none.
    label: Option<String>,
}

/// What the process has written, as far as it is kept.
#[derive(Default)]
struct Written {
    tail: Vec<u8>,
    /// The line that has no end yet.
    line: Vec<u8>,
    ended: bool,
}

impl Log {
    /// A log, and the ends that a process writes to. With a label, lines are shown on standard
    /// error, each with the label before it.
    pub fn open(label: Option<String>) -> io::Result<(Arc<Log>, Stdio, Stdio)> {
        let (pipe, writer) = io::pipe()?;
        rustix::io::ioctl_fionbio(&pipe, true)?;
        let copy = writer.try_clone()?;
        let log = Log { pipe, written: Mutex::default(), label };
        Ok((Arc::new(log), writer.into(), copy.into()))
    }

    /// Passes on what comes, until no process can write any more.
    pub fn follow(self: &Arc<Self>) -> io::Result<()> {
        let log = Arc::clone(self);
        thread::Builder::new().stack_size(256 << 10).spawn(move || {
            while !log.written().ended {
                let mut wait = [PollFd::new(&log.pipe, PollFlags::IN)];
                if rustix::event::poll(&mut wait, None).is_err() {
                    // Interrupted by a signal, and nothing is lost.
                    thread::sleep(Duration::from_millis(1));
                }
                log.read();
            }
        })?;
        Ok(())
    }

    /// Takes in whatever was written until now.
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
                    self.take(written, &bytes[..read]);
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => {}
            }
            return;
        }
    }

    fn take(&self, written: &mut Written, bytes: &[u8]) {
        written.tail.extend_from_slice(bytes);
        let surplus = written.tail.len().saturating_sub(MAX_TAIL);
        written.tail.drain(..surplus);
        if self.label.is_some() {
            written.line.extend_from_slice(bytes);
            self.show(written, false);
        }
    }

    /// Shows the lines that have ended; `all` ends the last one, too.
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

    /// Writes a line of Lambda's own, after all that the process has written.
    pub fn line(&self, line: &str) {
        let mut written = self.written();
        self.read_into(&mut written);
        self.show(&mut written, true);
        self.take(&mut written, format!("{line}\n").as_bytes());
    }

    /// The last 4 KiB since the last call, whole as it was written.
    pub fn take_tail(&self) -> Vec<u8> {
        std::mem::take(&mut self.written().tail)
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        lock(&self.written)
    }
}

/// The lines with the label before each.
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
    fn each_line_has_the_label() {
        assert_eq!(labelled("f#1 | ", b"one\ntwo\n"), b"f#1 | one\nf#1 | two\n");
        assert_eq!(labelled("", b"one\n"), b"one\n");
        assert_eq!(labelled("f#1 | ", b""), b"");
    }
}
