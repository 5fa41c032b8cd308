//! This environment's warming state, and the record of a ping: lambda-warmer's fields, as one line
//! of JSON.

use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering;

use pilotlight_host::json;
use pilotlight_host::sys;
use pilotlight_host::sys::clock;

use super::event::Ping;
use super::settings::Settings;
use super::value::Value;

/// Bytes reserved for a record; an ordinary one fits.
const LINE_CAPACITY: usize = 256;

/// Answered pings.
static COUNT: AtomicU64 = AtomicU64::new(0);
/// Whether a ping or an invocation has been served.
static IS_WARM: AtomicBool = AtomicBool::new(false);
/// The deadline of the handler's last invocation, in milliseconds since the Unix epoch; 0 for none.
/// (Not its start: the first read of the clock costs three page faults.)
static LAST_DEADLINE: AtomicU64 = AtomicU64::new(0);
/// This environment's id; 0 until the first ping.
static ID: AtomicU64 = AtomicU64::new(0);

/// Number of pings that this environment has answered.
pub fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// Notes that a ping was answered.
pub fn was_warmed() {
    COUNT.fetch_add(1, Ordering::Relaxed);
}

/// Notes that the handler is about to be called, with this deadline.
pub fn was_accessed(deadline_ms: Option<u64>) {
    IS_WARM.store(true, Ordering::Relaxed);
    let deadline = deadline_ms.unwrap_or_else(clock::coarse_milliseconds);
    LAST_DEADLINE.store(deadline, Ordering::Relaxed);
}

/// Start of the handler's last invocation, in milliseconds since the Unix epoch; 0 for never. It is
/// as long before its deadline as `now` is before this invocation's, since a function has one
/// time-out.
fn last_access(last_deadline: u64, deadline_ms: Option<u64>, now: u64) -> u64 {
    last_deadline.saturating_sub(deadline_ms.unwrap_or(now).saturating_sub(now))
}

/// This environment's id, as JSON: the time of its first ping and three digits.
pub fn id() -> String {
    let mut id = ID.load(Ordering::Relaxed);
    if id == 0 {
        let now = clock::nanoseconds();
        let fresh = now / 1_000_000 * 1000 + now % 1000;
        let first = ID.compare_exchange(0, fresh, Ordering::Relaxed, Ordering::Relaxed);
        id = first.map_or_else(|other| other, |_| fresh);
    }
    format!("\"{}-0{:03}\"", id / 1000, id % 1000)
}

/// Writes the record of a ping to the log, and marks this environment as warm.
pub fn log(settings: &Settings, id: &str, ping: &Ping, deadline_ms: Option<u64>) {
    let is_warm = IS_WARM.swap(true, Ordering::Relaxed);
    if settings.log() {
        let now = clock::coarse_milliseconds();
        let last_access = last_access(LAST_DEADLINE.load(Ordering::Relaxed), deadline_ms, now);
        sys::log(line(settings, id, ping, is_warm, last_access, now).as_bytes());
    }
}

fn line(
    settings: &Settings,
    id: &str,
    ping: &Ping,
    is_warm: bool,
    last_access: u64,
    now: u64,
) -> String {
    let mut line = String::with_capacity(LINE_CAPACITY);
    line.push_str("{\"action\":\"warmer\",\"function\":");
    // Writing to a String cannot fail.
    let _ = json::write_string(&mut line, &settings.function());
    let _ = write!(
        line,
        ",\"id\":{id},\"correlationId\":{},\"count\":{},\"concurrency\":{},\"warm\":{},",
        ping.correlation_id.map_or(id, Value::text),
        ping.count.map_or("1", Value::text),
        ping.concurrency.map_or("1", Value::text),
        if is_warm { "true" } else { "false" },
    );
    // One decimal, rounded half up.
    let tenths = (now.saturating_sub(last_access) + 50) / 100;
    let (seconds, tenth) = (tenths / 10, tenths % 10);
    let _ = match last_access {
        0 => line.write_str("\"lastAccessed\":null,\"lastAccessedSeconds\":null}\n"),
        _ => writeln!(
            line,
            "\"lastAccessed\":{last_access},\"lastAccessedSeconds\":\"{seconds}.{tenth}\"}}"
        ),
    };
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment;
    use crate::environment::Environment;

    #[test]
    fn the_last_access_is_calculated_from_deadlines() {
        // A time-out of 3 s; the ping's record is written 5 ms after it came.
        assert_eq!(last_access(14_000, Some(63_000), 60_005), 11_005);
        assert_eq!(last_access(0, Some(63_000), 60_005), 0, "never");
        // Without deadlines, the clock's time was stored.
        assert_eq!(last_access(11_000, None, 60_000), 11_000);
        assert_eq!(last_access(11_000, Some(59_000), 60_000), 11_000, "a past deadline");
    }

    #[test]
    fn a_record_is_one_line_with_lambda_warmers_fields() {
        let environment = Environment {
            function_name: Some(b"f\"x"),
            function_version: Some(b"7"),
            ..environment::EMPTY
        };
        let settings = Settings::new(&environment);
        let ping = Ping {
            correlation_id: Value::parse(b"\"c\""),
            count: Value::parse(b"2"),
            concurrency: Value::parse(b"\"3\""),
            ..Ping::default()
        };
        assert_eq!(
            line(&settings, "\"1-0002\"", &ping, true, 1000, 26_640),
            "{\"action\":\"warmer\",\"function\":\"f\\\"x:7\",\"id\":\"1-0002\",\
             \"correlationId\":\"c\",\"count\":2,\"concurrency\":\"3\",\"warm\":true,\
             \"lastAccessed\":1000,\"lastAccessedSeconds\":\"25.6\"}\n"
        );
        assert_eq!(
            line(&settings, "\"1-0002\"", &Ping::default(), true, 1000, 26_650)
                .split(',')
                .next_back(),
            Some("\"lastAccessedSeconds\":\"25.7\"}\n"),
            "rounded"
        );
        assert_eq!(
            line(&settings, "\"1-0002\"", &Ping::default(), false, 0, 5),
            "{\"action\":\"warmer\",\"function\":\"f\\\"x:7\",\"id\":\"1-0002\",\
             \"correlationId\":\"1-0002\",\"count\":1,\"concurrency\":1,\"warm\":false,\
             \"lastAccessed\":null,\"lastAccessedSeconds\":null}\n"
        );
    }
}
