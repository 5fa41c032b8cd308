//! Schedules in EventBridge's syntax: `rate(5 minutes)`.
//!
//! Source: "Rate expressions reference" in EventBridge's user guide.

use std::time::Duration;

use anyhow::Result;
use anyhow::bail;

/// A schedule with a constant period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The expression.
    pub expression: String,
    /// The period, in Lambda's time.
    pub period: Duration,
}

impl Rate {
    /// Parses `rate(value unit)`: a positive integer, and `minute`, `hour` or `day`, in the plural
    /// for every value but 1.
    pub fn parse(expression: &str) -> Result<Rate> {
        if expression.starts_with("cron(") {
            bail!("cron schedules are not simulated; use a rate, as in rate(5 minutes)");
        }
        let inner = expression.strip_prefix("rate(").and_then(|inner| inner.strip_suffix(')'));
        let mut parts = inner.unwrap_or_default().split_whitespace();
        let (Some(number), Some(unit), None) = (parts.next(), parts.next(), parts.next()) else {
            bail!("expected rate(VALUE UNIT), as in rate(5 minutes)");
        };
        // EventBridge accepts only digits; `parse` would accept a sign, too.
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let value = match number.parse::<u32>() {
            Ok(value) if digits && value > 0 => value,
            _ => bail!("the value {number} is not a positive integer"),
        };
        let singular = unit.strip_suffix('s').unwrap_or(unit);
        let minutes = match singular {
            "minute" => 1,
            "hour" => 60,
            "day" => 24 * 60,
            _ => bail!("the unit {unit} is not one of minute(s), hour(s), day(s)"),
        };
        if (value == 1) != (unit == singular) {
            let right = if value == 1 { singular.to_owned() } else { format!("{singular}s") };
            bail!("EventBridge rejects this; write rate({value} {right})");
        }
        let period = Duration::from_secs(u64::from(value) * minutes * 60);
        Ok(Rate { expression: expression.to_owned(), period })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_eventbridge_reads_them() {
        for (expression, minutes) in [
            ("rate(1 minute)", 1),
            ("rate(5 minutes)", 5),
            ("rate(1 hour)", 60),
            ("rate(12 hours)", 720),
            ("rate(1 day)", 1440),
            ("rate(7  days)", 10_080),
        ] {
            let rate = Rate::parse(expression).expect("a rate");
            assert_eq!(rate.period, Duration::from_secs(minutes * 60), "{expression}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (expression, message) in [
            ("rate(1 minutes)", "write rate(1 minute)"),
            ("rate(5 minute)", "write rate(5 minutes)"),
            ("rate(2 hour)", "write rate(2 hours)"),
            ("rate(0 minutes)", "the value 0 is"),
            ("rate(+5 minutes)", "the value +5 is"),
            ("rate(2.5 hours)", "the value 2.5 is"),
            ("rate(99999999999 days)", "the value 99999999999 is"),
            ("rate(5 seconds)", "the unit seconds is not one of"),
            ("rate(5minutes)", "expected rate(VALUE UNIT)"),
            ("rate(5 minutes", "expected rate(VALUE UNIT)"),
            ("rate(5 minutes or so)", "expected rate(VALUE UNIT)"),
            ("5 minutes", "expected rate(VALUE UNIT)"),
            ("", "expected rate(VALUE UNIT)"),
            ("cron(0/5 * * * ? *)", "cron schedules are not simulated"),
        ] {
            let error = Rate::parse(expression).expect_err(expression).to_string();
            assert!(error.contains(message), "{expression}: {error}");
        }
    }
}
