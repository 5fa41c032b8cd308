//! Times of the next fetch, on the wall clock.

use std::hash::BuildHasher;
use std::hash::Hasher;
use std::hash::RandomState;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

/// Longest pause after failures.
const MAX_BACK_OFF: Duration = Duration::from_secs(60);

/// Longest time between fetches, whatever the declaration or the source says.
pub const MAX_INTERVAL: Duration = Duration::from_secs(365 * 86_400);

/// Kind of failure, which sets the pause before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The source has not started yet.
    Soon,
    /// Any other failure.
    Ordinary,
    /// The source throttles requests.
    Throttled,
}

/// Milliseconds since the Unix epoch.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    milliseconds(since)
}

/// A duration in milliseconds, saturated.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// An interval and up to a tenth more, so that environments that started together do not fetch
/// together. Never less (up to [`MAX_INTERVAL`]): a source may refuse requests that come sooner.
pub fn jittered(interval: Duration) -> Duration {
    let interval = interval.min(MAX_INTERVAL);
    interval + interval.mul_f64(random() / 10.0)
}

/// Pause after `failures` consecutive failures: doubles each time, up to [`MAX_BACK_OFF`], and is
/// drawn between half of that and all of it.
pub fn back_off(failures: u32, retry: Retry) -> Duration {
    let first = match retry {
        Retry::Soon => return Duration::from_millis(100),
        Retry::Ordinary => Duration::from_millis(500),
        Retry::Throttled => Duration::from_secs(5),
    };
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled.min(MAX_BACK_OFF).mul_f64(0.5 + random() / 2.0)
}

/// A random number from 0 to 1. The standard library seeds its hashers at random.
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
    fn pauses_after_failures_grow_up_to_a_limit() {
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
