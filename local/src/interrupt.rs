//! Ctrl-C and the other signals that end a command.

use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::thread;

use anyhow::Context as _;
use anyhow::Result;
use signal_hook::consts::SIGHUP;
use signal_hook::consts::SIGINT;
use signal_hook::consts::SIGQUIT;
use signal_hook::consts::SIGTERM;
use signal_hook::iterator::Signals;

use crate::log;
use crate::process;

/// The signals that end a command, caught.
#[derive(Debug)]
pub struct Interrupts {
    /// A caller of [`Interrupts::wait`] handles the next signal and shuts down in order.
    orderly: Arc<AtomicBool>,
    signals: Receiver<i32>,
}

impl Interrupts {
    /// From now on a signal ends the command at once, with all processes that it has started.
    pub fn catch() -> Result<Interrupts> {
        let mut caught =
            Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM]).context("cannot catch signals")?;
        let orderly = Arc::new(AtomicBool::new(false));
        let (sender, signals) = mpsc::channel();
        let wanted = Arc::clone(&orderly);
        thread::spawn(move || {
            for signal in caught.forever() {
                if wanted.swap(false, Ordering::AcqRel) && sender.send(signal).is_ok() {
                    continue;
                }
                process::end_all();
                log::say(format_args!("ended by signal {signal}"));
                // The exit code by which shells report a program that a signal ended.
                exit(128 + signal);
            }
        });
        Ok(Interrupts { orderly, signals })
    }

    /// Waits for a signal, and returns its number. A later signal ends the command at once.
    pub fn wait(&self) -> i32 {
        self.orderly.store(true, Ordering::Release);
        self.signals.recv().expect("the sending thread lives as long as the program")
    }
}
