//! One execution environment from creation to end: its `/tmp`, and its successive processes.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::mpsc;
use std::sync::mpsc::Sender;

use anyhow::Context as _;
use anyhow::Result;

use super::Logs;
use crate::descriptors::Taken;
use crate::environment::ExecutionEnvironment;
use crate::environment::Output;
use crate::function::Function;
use crate::identifiers;
use crate::log::Kept;
use crate::log::Log;
use crate::private_tmp;
use crate::process;
use crate::sync::lock;
use crate::threads;

/// Milliseconds before a time-out at which the runtime logs the handler's stack.
const REPORT_MS: &str = "100";

type Start = (Function, Sender<Result<ExecutionEnvironment>>);

/// An execution environment.
#[derive(Debug)]
pub struct Sandbox {
    /// Number within the function, from 1.
    pub number: u64,
    /// Whether it is a provisioned environment.
    pub provisioned: bool,
    /// The build of the library that it runs.
    pub generation: u64,
    /// Prefix of its lines on standard error.
    pub label: String,
    /// `AWS_LAMBDA_LOG_STREAM_NAME` of its processes, and of no others.
    log_stream: String,
    tmp: PathBuf,
    /// Returned to their share when the environment is dropped.
    _descriptors: Taken,
    /// Requests a process from the environment's own thread.
    starter: Sender<Start>,
    process: Mutex<Option<Arc<ExecutionEnvironment>>>,
    /// Locked while a process starts; true once one was started.
    started: Mutex<bool>,
}

/// The settings of a new environment.
#[derive(Debug)]
pub struct SandboxOptions {
    /// The environment's own folder.
    pub folder: PathBuf,
    /// Number within the function, from 1.
    pub number: u64,
    /// Whether it is a provisioned environment.
    pub provisioned: bool,
    /// The build of the library that it runs.
    pub generation: u64,
    /// The destination of its log lines.
    pub logs: Logs,
    /// The file descriptors reserved for it.
    pub descriptors: Taken,
}

impl Sandbox {
    /// Creates an environment, without a process yet.
    pub fn new(function: &Function, options: SandboxOptions) -> Result<Sandbox> {
        let SandboxOptions { folder, number, provisioned, generation, logs, descriptors } = options;
        let tmp = folder.join("tmp");
        fs::create_dir_all(&tmp).context("cannot create the environment's /tmp")?;
        let label = match logs {
            Logs::Labelled => format!("{}#{number} | ", function.name),
            Logs::Kept | Logs::Plain => String::new(),
        };
        let output = match logs {
            Logs::Kept => Output::Kept,
            Logs::Labelled | Logs::Plain => Output::Shown(label.clone()),
        };
        let (starter, starts) = mpsc::channel::<Start>();
        let own = tmp.clone();
        let keep = [function.task_root.clone(), layer(function)];
        threads::small().spawn(move || {
            let keep: Vec<&Path> = keep.iter().map(PathBuf::as_path).collect();
            let private = private_tmp::enter(&own, &keep).is_ok();
            for (mut function, answer) in starts {
                if !private {
                    // Mounting needs root. Without it, programs that honour TMPDIR use the folder.
                    let tmp = ("TMPDIR".to_owned(), own.display().to_string());
                    function.variables.insert(0, tmp);
                }
                // If the receiver is gone, dropping the environment ends the process.
                let _ = answer.send(ExecutionEnvironment::start(&function, output.clone()));
            }
        })?;
        Ok(Sandbox {
            number,
            provisioned,
            generation,
            label,
            log_stream: identifiers::log_stream(),
            tmp,
            _descriptors: descriptors,
            starter,
            process: Mutex::new(None),
            started: Mutex::new(false),
        })
    }

    /// Starts a new process, in place of the previous one.
    pub fn start(&self, function: &Function) -> Result<Arc<ExecutionEnvironment>> {
        let before = self.slot().take();
        if before.is_some() {
            drop(before);
            self.end_strays();
        }
        let mut function = function.clone();
        function.log_stream.clone_from(&self.log_stream);
        // The user's own variables come later, and win.
        function
            .variables
            .insert(0, ("PILOTLIGHT_TIMEOUT_REPORT".to_owned(), REPORT_MS.to_owned()));
        if self.provisioned {
            function.initialization_type = "provisioned-concurrency";
        }
        let (answer, started) = mpsc::channel();
        let gone = "the environment's thread is gone";
        self.starter.send((function, answer)).ok().context(gone)?;
        let process = Arc::new(started.recv().context(gone)??);
        *self.slot() = Some(Arc::clone(&process));
        Ok(process)
    }

    /// Waits until no other thread starts a process here. The holder of the guard may start one;
    /// its value is true once a process was started.
    pub fn starting(&self) -> MutexGuard<'_, bool> {
        lock(&self.started)
    }

    /// The current process, alive or not.
    pub fn process(&self) -> Option<Arc<ExecutionEnvironment>> {
        self.slot().clone()
    }

    /// The log of the current process since the previous call.
    pub fn take_log(&self) -> Kept {
        let process = self.process();
        process.as_ref().and_then(|process| process.log()).map(Log::take).unwrap_or_default()
    }

    /// The current process, if it can take an invocation.
    pub fn ready(&self) -> Option<Arc<ExecutionEnvironment>> {
        self.process().filter(|process| process.is_alive() && is_initialised(process))
    }

    /// Ends the process, and removes its `/tmp`.
    pub fn end(&self) {
        let process = self.slot().take();
        if let Some(process) = process {
            process.end();
        }
        // The rest is removed with the working folder.
        let _ = fs::remove_dir_all(&self.tmp);
    }

    /// Ends descendants of the process that have left its process group.
    pub fn end_strays(&self) {
        process::end_marked(&self.log_stream);
    }

    fn slot(&self) -> MutexGuard<'_, Option<Arc<ExecutionEnvironment>>> {
        lock(&self.process)
    }
}

fn is_initialised(process: &ExecutionEnvironment) -> bool {
    process.shared().session().init().is_some()
}

fn layer(function: &Function) -> PathBuf {
    function.bootstrap.parent().map(Path::to_path_buf).unwrap_or_default()
}
