//! Identifiers in the forms that AWS gives them.

use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

/// A random identifier in the form of a version 4 UUID.
pub fn uuid() -> String {
    // Two of std's randomly keyed hashers are 128 random bits, which is all that is needed here.
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

/// An X-Ray header of its own for an invocation, not sampled.
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
    }
}
