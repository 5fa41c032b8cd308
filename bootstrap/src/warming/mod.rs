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
mod number;
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

/// What a ping is answered, and what is done once it has been.
#[derive(Debug)]
pub struct Warmed<'a> {
    /// The answer.
    pub body: &'static [u8],
    /// A ping of which only the record is left, for which nobody waits.
    unlogged: Option<Ping<'a>>,
}

impl<'e> Warming<'e> {
    /// Reads what the environment says of it.
    pub fn new(environment: &'e Environment, services: &'e Services) -> Warming<'e> {
        Warming { settings: Settings::new(environment), environment, services }
    }

    /// The answer to a ping, once all has been done that its sender waits for; None for the handler's
    /// invocations.
    pub fn answer<'a>(&self, invocation: &Invocation<'a>) -> Option<Warmed<'a>> {
        if self.settings.is_off() {
            return None;
        }
        // Of several at once, the records are in their order; a fan-out's comes in front of it.
        let mut warmed = Warmed { body: b"", unlogged: None };
        let mut serve = |ping: &Ping<'a>| {
            self.finish(&warmed, invocation);
            let is_plain = !ping.is_child && ping.fan_out.is_none();
            warmed.unlogged = is_plain.then_some(*ping);
            if !is_plain {
                self.serve(ping, invocation);
            }
        };
        let Some(body) = event::find(&self.settings, invocation, &mut serve) else {
            record::was_accessed(invocation.deadline_ms);
            return None;
        };
        record::was_warmed();
        warmed.body = body.as_bytes();
        Some(warmed)
    }

    /// Does what is left to be done of a ping that has been answered.
    pub fn finish(&self, warmed: &Warmed, invocation: &Invocation) {
        if let Some(ping) = &warmed.unlogged {
            self.serve(ping, invocation);
        }
    }

    fn serve(&self, ping: &Ping, invocation: &Invocation) {
        let id = record::id();
        record::log(&self.settings, &id, ping, invocation.deadline_ms);
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
