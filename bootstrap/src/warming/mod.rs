//! Warming: pings that keep execution environments warm are answered here, and the handler never
//! hears of them.
//!
//! [`candidate`] tells most events apart in passing, [`event`] reads the others closely, [`record`] is
//! the log and what handlers may ask, [`settings`] the variables. A ping that asks for more than being
//! answered is handed to the layer's module `services`, which invokes whom it names.
//!
//! Source of the protocol: lambda-warmer 2.3.0 from npm, which a test runs beside this.

#[allow(unsafe_code)]
pub mod candidate;
pub mod event;
mod health;
mod reader;
mod record;
pub mod settings;
pub mod value;

pub use self::record::count;

use self::event::Ping;
use self::settings::Settings;
use crate::environment::Environment;
use crate::invocation::Invocation;
use crate::services::Services;
use crate::sys;

/// Answers pings, on any thread.
#[derive(Debug)]
pub struct Warming<'e> {
    settings: Settings<'e>,
    environment: &'e Environment,
    services: &'e Services,
}

impl<'e> Warming<'e> {
    /// Reads what the environment says of it.
    pub fn new(environment: &'e Environment, services: &'e Services) -> Warming<'e> {
        Warming { settings: Settings::new(environment), environment, services }
    }

    /// The answer to a ping, once all has been done that it asks for; None for the handler's
    /// invocations.
    pub fn answer(&self, invocation: &Invocation) -> Option<&'static [u8]> {
        if self.settings.is_off() {
            return None;
        }
        let mut serve = |ping: &Ping| self.serve(ping, invocation);
        let answer = event::find(&self.settings, invocation, &mut serve);
        if answer.is_some() {
            record::was_warmed();
        } else {
            record::was_accessed();
        }
        answer.map(str::as_bytes)
    }

    fn serve(&self, ping: &Ping, invocation: &Invocation) {
        let id = record::id();
        record::log(&self.settings, &id, ping);
        if let Some(ping) = ping.fan_out {
            if let Some(module) = self.services.module(self.environment) {
                module.fan_out(ping.text(), &id, invocation);
            }
        } else if ping.is_child {
            // While this environment is busy, the others of the fan-out land elsewhere.
            sys::pause(self.settings.delay_ms);
        }
    }
}
