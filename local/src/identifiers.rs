//! Identifiers in AWS's formats.

use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::sync::LazyLock;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use time::OffsetDateTime;

/// A random identifier in the form of a version 4 UUID.
pub fn uuid() -> String {
    // Two of std's randomly keyed hashers yield 128 random bits, which suffices for an identifier.
    let high = RandomState::new().hash_one(0);
    let low = RandomState::new().hash_one(1);
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}

/// A secret: 32 hexadecimal digits of the kernel's random bytes.
pub fn secret() -> String {
    let mut bytes = [0; 16];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    assert_eq!(filled, Ok(bytes.len()), "the kernel has random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The name of an execution environment's log stream: the date, the version, and 32 hexadecimal
/// digits. The first half of them is [`mark`].
pub fn log_stream() -> String {
    let (year, month, day) = OffsetDateTime::now_utc().to_calendar_date();
    let number = RandomState::new().hash_one(0);
    format!("{year:04}/{:02}/{day:02}/[$LATEST]{}{number:016x}", u8::from(month), mark())
}

/// Sixteen hexadecimal digits in all log streams of this process, and in no other's. They identify
/// the processes that this one has started.
pub fn mark() -> &'static str {
    static MARK: LazyLock<String> =
        LazyLock::new(|| format!("{:016x}", RandomState::new().hash_one(0)));
    &MARK
}

/// An X-Ray header for an invocation, not sampled.
pub fn trace_id(request_id: &str) -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let digits: String = request_id.chars().filter(char::is_ascii_hexdigit).collect();
    let (root, parent) = (digits.get(..24), digits.get(16..32));
    let (root, parent) = (root.unwrap_or_default(), parent.unwrap_or_default());
    format!("Root=1-{seconds:08x}-{root};Parent={parent};Sampled=0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_their_form_and_differ() {
        let (one, other) = (uuid(), uuid());
        assert_ne!(one, other);
        assert_eq!((one.len(), &one[14..15]), (36, "4"));
        let trace = trace_id(&one);
        assert_eq!(trace.find(";Parent="), Some("Root=1-".len() + 8 + 1 + 24), "{trace}");
        assert!(trace_id("short").contains("Sampled=0"));
        let (one, other) = (log_stream(), log_stream());
        assert_ne!(one, other);
        assert!(one.contains(mark()) && one.len() == "2026/01/01/[$LATEST]".len() + 32, "{one}");
    }
}
