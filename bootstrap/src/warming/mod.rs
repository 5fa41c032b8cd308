//! Warming: answers the pings that keep execution environments warm, without the handler.
//!
//! A ping is an event with a truthy top-level `warmer`, or of serverless-plugin-warmup, or as the
//! variables of [`settings`] add. For a ping the handler is skipped, and nothing else: the answer
//! is posted, the record logged, and the next invocation requested as for any event.
//!
//! [`candidate`] dismisses most events with one fast search, [`event`] parses the others,
//! [`record`] writes the log and counts pings for handlers, [`settings`] reads the variables. A
//! ping that asks for other environments is passed to the layer's module `services`, which invokes
//! the functions.
//!
//! Source of the protocol: lambda-warmer 2.3.0 from npm, which a test runs beside this module.

pub mod candidate;
pub mod event;
mod health;
mod number;
mod protocol;
mod reader;
mod record;
pub mod settings;
pub mod value;

pub use self::record::count;

use alloc::string::String;

use pilotlight_host::sys;
use pilotlight_host::sys::clock;

use self::event::Ping;
use self::settings::Settings;
use crate::environment::Environment;
use crate::invocation::Invocation;
use crate::services::Services;

/// Milliseconds before the deadline that a delay leaves for the answer.
const MARGIN_MS: u64 = 250;
/// Lambda's longest function time-out, in milliseconds.
const MAX_TIMEOUT_MS: u64 = 900_000;

/// Answers pings, on any thread.
#[derive(Debug)]
pub struct Warming<'e> {
    settings: Settings<'e>,
    environment: &'e Environment,
    services: &'e Services,
}

/// The answer to a ping, and the record that is still to be written.
#[derive(Debug)]
pub struct Warmed<'a> {
    /// The response body.
    pub body: &'static [u8],
    /// A ping that is logged after it was answered: its sender need not wait for the record.
    unlogged: Option<Ping<'a>>,
}

impl<'e> Warming<'e> {
    /// Reads the settings from the environment.
    pub fn new(environment: &'e Environment, services: &'e Services) -> Warming<'e> {
        Warming { settings: Settings::new(environment), environment, services }
    }

    /// The answer to a ping, after the work that its sender waits for; None if the invocation is
    /// the handler's.
    pub fn answer<'a>(&self, invocation: &Invocation<'a>) -> Option<Warmed<'a>> {
        if self.settings.is_off() {
            return None;
        }
        // Records of several pings keep their order, and a ping's record precedes its fan-out.
        let mut warmed = Warmed { body: b"", unlogged: None };
        let mut limits = Limits { budget: pilotlight_services_abi::FULL, has_paused: false };
        let mut serve = |ping: &Ping<'a>| {
            self.finish(&warmed, invocation);
            let is_plain = !ping.is_child && ping.fan_out.is_none();
            warmed.unlogged = is_plain.then_some(*ping);
            if !is_plain {
                self.serve(ping, invocation, &mut limits);
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

    /// Writes the record of an answered ping, if it was left for later.
    pub fn finish(&self, warmed: &Warmed, invocation: &Invocation) {
        if let Some(ping) = &warmed.unlogged {
            self.log(ping, invocation);
        }
    }

    /// Writes the record, and returns this environment's id.
    fn log(&self, ping: &Ping, invocation: &Invocation) -> String {
        let id = record::id();
        record::log(&self.settings, &id, ping, invocation.deadline_ms);
        id
    }

    fn serve(&self, ping: &Ping, invocation: &Invocation, limits: &mut Limits) {
        let id = self.log(ping, invocation);
        if let Some(ping) = ping.fan_out {
            if let Some(module) = self.services.module(self.environment) {
                limits.budget = module.fan_out(ping.text(), &id, invocation, limits.budget);
            }
        } else if !limits.has_paused {
            // While this environment is busy, Lambda sends the other children elsewhere.
            limits.has_paused = true;
            let now = clock::coarse_milliseconds();
            sys::pause(pause_ms(self.settings.delay_ms, invocation.deadline_ms, now));
        }
    }
}

/// Limits of one event, however many pings it holds.
struct Limits {
    /// Rest of the event's budget for fan-outs, as the services ABI counts it.
    budget: u32,
    /// Whether a child ping has delayed the answer; one delay per event is enough.
    has_paused: bool,
}

/// A child's delay, cut to end before its invocation does. Ignores a deadline in the past, which
/// some emulators send.
fn pause_ms(delay_ms: u32, deadline_ms: Option<u64>, now_ms: u64) -> u32 {
    let left = deadline_ms.and_then(|deadline| deadline.checked_sub(now_ms));
    let left = left.unwrap_or(MAX_TIMEOUT_MS).min(MAX_TIMEOUT_MS).saturating_sub(MARGIN_MS);
    u32::try_from(left).map_or(delay_ms, |left| left.min(delay_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_ends_before_the_deadline() {
        assert_eq!(pause_ms(75, Some(63_000), 60_000), 75);
        assert_eq!(pause_ms(3000, Some(63_000), 60_000), 2750);
        assert_eq!(pause_ms(75, Some(60_100), 60_000), 0);
        assert_eq!(pause_ms(75, Some(59_000), 60_000), 75, "a past deadline is ignored");
        assert_eq!(pause_ms(75, None, 60_000), 75);
        assert_eq!(pause_ms(u32::MAX, None, 60_000), 899_750);
        assert_eq!(pause_ms(u32::MAX, Some(u64::MAX), 60_000), 899_750);
    }
}
