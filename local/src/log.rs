//! What an execution environment writes to its standard output and error: shown as it comes, and
//! the last 4 KiB of each invocation kept for clients that ask for its tail.

use std::fmt;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;

use rustix::event::PollFd;
use rustix::event::PollFlags;

/// How much of a log `X-Amz-Log-Result` carries, in bytes.
const TAIL: usize = 4096;

/// The log of one process.
pub struct Log {
    reader: Mutex<Reader>,
    show: bool,
}

struct Reader {
    /// The end that is read, without blocking.
    pipe: io::PipeReader,
    tail: Vec<u8>,
    ended: bool,
}

impl Log {
    /// A log, and the ends that a process writes to. `show` passes it on to standard error.
    pub fn open(show: bool) -> io::Result<(Arc<Log>, Stdio, Stdio)> {
        let (pipe, writer) = io::pipe()?;
        rustix::io::ioctl_fionbio(&pipe, true)?;
        let copy = writer.try_clone()?;
        let reader = Mutex::new(Reader { pipe, tail: Vec::new(), ended: false });
        Ok((Arc::new(Log { reader, show }), writer.into(), copy.into()))
    }

    /// Passes on what comes, until nobody can write any more.
    pub fn follow(self: &Arc<Self>) -> io::Result<()> {
        let pipe = self.reader().pipe.try_clone()?;
        let log = Arc::clone(self);
        thread::Builder::new().stack_size(256 << 10).spawn(move || {
            while !log.reader().ended {
                let mut wait = [PollFd::new(&pipe, PollFlags::IN)];
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
        let mut reader = self.reader();
        let mut bytes = [0; 8192];
        loop {
            match reader.pipe.read(&mut bytes) {
                Ok(0) => reader.ended = true,
                Ok(read) => {
                    reader.tail.extend_from_slice(&bytes[..read]);
                    let surplus = reader.tail.len().saturating_sub(TAIL);
                    reader.tail.drain(..surplus);
                    if self.show {
                        // Nothing can be done for a standard error that is gone.
                        let _ = io::stderr().write_all(&bytes[..read]);
                    }
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => {}
            }
            return;
        }
    }

    /// Writes a line of Lambda's own, behind all that the process has written.
    pub fn line(&self, line: &str) {
        self.read();
        let line = format!("{line}\n");
        let mut reader = self.reader();
        reader.tail.extend_from_slice(line.as_bytes());
        if self.show {
            let _ = io::stderr().write_all(line.as_bytes());
        }
    }

    /// The last 4 KiB since the last call, whole as it was written.
    pub fn take_tail(&self) -> Vec<u8> {
        let mut tail = std::mem::take(&mut self.reader().tail);
        tail.drain(..tail.len().saturating_sub(TAIL));
        tail
    }

    fn reader(&self) -> std::sync::MutexGuard<'_, Reader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("show", &self.show).finish_non_exhaustive()
    }
}
