//! Ctrl-C, and the other ways in which a command is told to end.

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

/// Signals that end a command.
#[derive(Debug)]
pub struct Interrupts {
    /// Somebody waits for the next one and ends everything in order.
    orderly: Arc<AtomicBool>,
    signals: Receiver<i32>,
}

impl Interrupts {
    /// From now on a signal ends the command at once, with everything that it has started.
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
                // As a shell shows a program that the signal has ended.
                exit(128 + signal);
            }
        });
        Ok(Interrupts { orderly, signals })
    }

    /// Waits for a signal. One that comes after it ends the command at once again.
    pub fn wait(&self) {
        self.orderly.store(true, Ordering::Release);
        // The thread lives as long as the program.
        let _ = self.signals.recv();
    }
}
