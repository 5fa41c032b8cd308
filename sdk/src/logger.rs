//! A logger of the crate `log` that writes to the function's log.

use log::Level;
use log::LevelFilter;
use log::Log;
use log::Metadata;
use log::Record;

use crate::runtime;

struct Logger;

/// Makes the macros of the crate `log` write to the function's log.
///
/// ```
/// fn setup() {
///     pilotlight::install_logger();
///     log::info!("loading the model");
/// }
/// ```
///
/// Only an `init` that logs needs to call this: otherwise the SDK does it after `init`. Does
/// nothing if another logger is set, or if no runtime is attached.
pub fn install() {
    let Some(runtime) = runtime::attached() else {
        return;
    };
    if log::set_logger(&Logger).is_ok() {
        log::set_max_level(match runtime.log_level {
            0 => LevelFilter::Trace,
            1 => LevelFilter::Debug,
            2 => LevelFilter::Info,
            3 => LevelFilter::Warn,
            4 => LevelFilter::Error,
            // FATAL, which the crate `log` does not have.
            _ => LevelFilter::Off,
        });
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record) {
        let level = match record.level() {
            Level::Trace => 0,
            Level::Debug => 1,
            Level::Info => 2,
            Level::Warn => 3,
            Level::Error => 4,
        };
        if let Some(runtime) = runtime::attached().filter(|_| self.enabled(record.metadata())) {
            runtime::log(runtime, level, record.target(), &record.args().to_string());
        }
    }

    fn flush(&self) {}
}
