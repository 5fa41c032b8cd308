//! Lambda's waiting times, which a local Lambda can let pass faster: minutes until an idle
//! environment ends, until an asynchronous invocation is tried again, or until a schedule is due.

use std::time::Duration;

/// How fast Lambda's own time passes. Limits of handlers are real time, always.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// How many of Lambda's seconds pass in one; above zero.
    pub speed: f64,
}

impl Clock {
    /// How long one really waits for a time of Lambda's.
    pub fn real(&self, duration: Duration) -> Duration {
        // A speed that makes it endless makes it the longest there is.
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
