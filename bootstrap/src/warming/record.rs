//! What this environment knows of its warming, and the record of a ping: lambda-warmer's fields, as
//! one line of JSON.

use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering;

use super::event::Ping;
use super::settings::Settings;
use super::value::Value;
use crate::json;
use crate::sys;

/// An ordinary record fits.
const ROOM: usize = 256;

/// How often a ping was answered.
static COUNT: AtomicU64 = AtomicU64::new(0);
/// Whether anything has been served.
static IS_WARM: AtomicBool = AtomicBool::new(false);
/// When the handler was last called, in milliseconds since the Unix epoch; 0 for never.
static LAST_ACCESS: AtomicU64 = AtomicU64::new(0);
/// This environment's name for itself; 0 until the first ping.
static ID: AtomicU64 = AtomicU64::new(0);

/// How often this environment has been warmed.
pub fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// Notes that a ping was answered.
pub fn was_warmed() {
    COUNT.fetch_add(1, Ordering::Relaxed);
}

/// Notes that the handler is about to be called.
pub fn was_accessed() {
    IS_WARM.store(true, Ordering::Relaxed);
    LAST_ACCESS.store(sys::coarse_milliseconds(), Ordering::Relaxed);
}

/// This environment's name for itself, as JSON: the time of its first ping and three digits.
pub fn id() -> String {
    let mut id = ID.load(Ordering::Relaxed);
    if id == 0 {
        let now = sys::nanoseconds();
        let fresh = now / 1_000_000 * 1000 + now % 1000;
        let first = ID.compare_exchange(0, fresh, Ordering::Relaxed, Ordering::Relaxed);
        id = first.map_or_else(|other| other, |_| fresh);
    }
    format!("\"{}-0{:03}\"", id / 1000, id % 1000)
}

/// Writes the record of a ping to the log, and notes that this environment is warm from now on.
pub fn log(settings: &Settings, id: &str, ping: &Ping) {
    let is_warm = IS_WARM.swap(true, Ordering::Relaxed);
    if settings.log() {
        let last_access = LAST_ACCESS.load(Ordering::Relaxed);
        let now = sys::coarse_milliseconds();
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
    let mut line = String::with_capacity(ROOM);
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
    // One digit behind the point, rounded as usual.
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
            line(&settings, "\"1-0002\"", &Ping::default(), false, 0, 5),
            "{\"action\":\"warmer\",\"function\":\"f\\\"x:7\",\"id\":\"1-0002\",\
             \"correlationId\":\"1-0002\",\"count\":1,\"concurrency\":1,\"warm\":false,\
             \"lastAccessed\":null,\"lastAccessedSeconds\":null}\n"
        );
    }
}
