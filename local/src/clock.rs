//! Lambda's waiting times, which a local Lambda can shorten: minutes until an idle environment
//! ends, until an asynchronous invocation is retried, or until a schedule is due.

use std::time::Duration;

/// The speed of Lambda's own waiting times. Handlers' limits are always in real time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Lambda's seconds per real second; above zero.
    pub speed: f64,
}

impl Clock {
    /// Converts a waiting time of Lambda's to real time.
    pub fn real(&self, duration: Duration) -> Duration {
        // The division overflows if the speed is close to zero.
        Duration::try_from_secs_f64(duration.as_secs_f64() / self.speed).unwrap_or(Duration::MAX)
    }
}

impl Default for Clock {
    fn default() -> Clock {
        Clock { speed: 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_faster_clock_waits_less() {
        let clock = Clock { speed: 60.0 };
        assert_eq!(clock.real(Duration::from_secs(120)), Duration::from_secs(2));
        assert_eq!(Clock { speed: 0.0 }.real(Duration::from_secs(1)), Duration::MAX);
    }
}
