//! When values are fetched again, on the wall clock.

use std::hash::BuildHasher;
use std::hash::Hasher;
use std::hash::RandomState;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

/// The longest that a value which cannot be fetched is left alone.
const MAX_BACK_OFF: Duration = Duration::from_secs(60);

/// No value is left alone for longer, whatever its declaration or its source says.
pub const MAX_INTERVAL: Duration = Duration::from_secs(365 * 86_400);

/// How soon a failure may be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// In a moment: something has not started yet.
    Soon,
    /// Nobody knows.
    Ordinary,
    /// The source has too much to do.
    Throttled,
}

/// Milliseconds since the Unix epoch.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    milliseconds(since)
}

/// As a number of them.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// An interval and up to a tenth more, so that environments that began together do not ask together.
/// Never less, up to [`MAX_INTERVAL`]: a source may refuse to be asked sooner.
pub fn jittered(interval: Duration) -> Duration {
    let interval = interval.min(MAX_INTERVAL);
    interval + interval.mul_f64(random() / 10.0)
}

/// How long a value is left alone after so many failures in a row: twice as long each time, and at random
/// between half of that and all of it.
pub fn back_off(failures: u32, retry: Retry) -> Duration {
    let first = match retry {
        Retry::Soon => return Duration::from_millis(100),
        Retry::Ordinary => Duration::from_millis(500),
        Retry::Throttled => Duration::from_secs(5),
    };
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled.min(MAX_BACK_OFF).mul_f64(0.5 + random() / 2.0)
}

/// From 0 to 1. The standard library's hashers begin at random.
fn random() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 32;
    bits as f64 / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_never_shortened() {
        let interval = Duration::from_secs(45);
        for _ in 0..1000 {
            let jittered = jittered(interval);
            assert!(jittered >= interval && jittered <= interval.mul_f64(1.1));
        }
        assert!(jittered(Duration::MAX) >= MAX_INTERVAL);
    }

    #[test]
    fn failures_are_left_alone_for_longer_and_longer_but_not_for_ever() {
        for _ in 0..1000 {
            let first = back_off(1, Retry::Ordinary);
            assert!(first >= Duration::from_millis(250) && first <= Duration::from_millis(500));
            assert!(back_off(4, Retry::Ordinary) >= Duration::from_secs(2));
            assert!(back_off(1, Retry::Throttled) >= Duration::from_millis(2500));
            assert!(back_off(u32::MAX, Retry::Throttled) <= MAX_BACK_OFF);
        }
        assert_eq!(back_off(100, Retry::Soon), Duration::from_millis(100));
    }
}
