//! The reasons that an invocation has no answer.

use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use rustix::io::Errno;

use crate::runtime_api::Outcome;

/// The reason that an invocation was not answered.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvokeError {
    /// The program could not be started.
    NotStarted(String),
    /// The runtime reported an error of its init.
    InitError(Outcome),
    /// The process ended.
    Exited(ExitStatus),
    /// The invocation or the init timed out, and the process was ended.
    TimedOut,
}

impl fmt::Display for InvokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvokeError::NotStarted(why) => f.write_str(why),
            InvokeError::InitError(_) => f.write_str("the runtime reported an init error"),
            InvokeError::TimedOut => f.write_str("timed out"),
            InvokeError::Exited(status) => match (status.code(), status.signal()) {
                (Some(0), _) => f.write_str("Runtime exited without providing a reason"),
                (Some(code), _) => write!(f, "Runtime exited with error: exit status {code}"),
                (None, Some(signal)) => {
                    write!(f, "Runtime exited with error: signal: {}", signal_name(signal))
                }
                (None, None) => f.write_str("Runtime exited"),
            },
        }
    }
}

impl std::error::Error for InvokeError {}

/// A signal's name in Lambda's log.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        4 => "illegal instruction",
        6 => "aborted",
        7 => "bus error",
        8 => "floating point exception",
        9 => "killed",
        11 => "segmentation fault",
        15 => "terminated",
        other => return other.to_string(),
    };
    name.to_owned()
}

/// Whether a start failed because this machine lacks resources (descriptors, processes, memory,
/// disk), and not because of the program.
pub fn is_shortage(error: &anyhow::Error) -> bool {
    let shortages = [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM, Errno::NOSPC];
    error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|cause| {
        cause.raw_os_error().is_some_and(|code| shortages.map(Errno::raw_os_error).contains(&code))
    })
}
