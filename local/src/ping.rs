//! The pings of a warming schedule: their event and their rate.

use std::time::Duration;

use anyhow::Result;
use anyhow::bail;
use serde_json::Value;
use serde_json::json;

use crate::clock::Clock;
use crate::report::milliseconds;
use crate::schedule::Rate;

/// Lower bound of the real period; faster pings show nothing new and occupy the whole machine.
const MIN_PERIOD: Duration = Duration::from_millis(10);

/// The settings of the pings.
#[derive(Clone, Debug)]
pub struct Warming {
    /// The schedule.
    pub rate: Rate,
    /// The number of environments of each function that a ping keeps warm.
    pub concurrency: u16,
}

impl Warming {
    /// The event of a ping.
    pub fn ping(&self) -> String {
        format!("{{\"warmer\":true,\"concurrency\":{}}}", self.concurrency)
    }

    /// Refuses a real period below the minimum.
    pub fn check(&self, clock: Clock) -> Result<()> {
        let period = clock.real(self.rate.period);
        if period < MIN_PERIOD {
            let (speed, rate) = (clock.speed, &self.rate.expression);
            bail!("--speed {speed} makes {rate} a ping every {period:?}; the minimum is 10 ms");
        }
        Ok(())
    }

    /// The entry of `GET /environments`.
    pub fn json(&self, clock: Clock) -> Value {
        json!({
            "schedule": self.rate.expression,
            "concurrency": self.concurrency,
            "period_ms": milliseconds(clock.real(self.rate.period)),
        })
    }
}
