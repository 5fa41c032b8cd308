//! JSON in place: the whole text is validated first, then queried without copies.
//!
//! Source: RFC 8259. Refuses deep nesting, as most parsers do. Accepts unpaired surrogate escapes,
//! as JavaScript does.

pub use super::reader::Value;

use core::str;

use super::number;
use super::reader::Each;
use super::reader::MAX_DEPTH;
use super::reader::Reader;

impl<'a> Value<'a> {
    /// Validates a whole JSON text.
    pub fn parse(text: &'a [u8]) -> Option<Value<'a>> {
        Value::parse_with(text, &mut |_, _| ())
    }

    /// The same, and passes the items to `each` on the way, as [`Value::each`] does. After a None,
    /// those items must not be used.
    pub fn parse_with(text: &'a [u8], each: Each<'_, 'a>) -> Option<Value<'a>> {
        let mut reader = Reader::new(str::from_utf8(text).ok()?);
        let first = reader.next()?;
        let value = reader.value(first, MAX_DEPTH, each)?;
        reader.next().is_none().then_some(value)
    }

    /// The JSON text.
    pub fn text(self) -> &'a str {
        self.0
    }

    fn bytes(self) -> &'a [u8] {
        self.0.as_bytes()
    }

    /// Whether it is an object rather than any other value.
    pub fn is_object(self) -> bool {
        self.bytes().first() == Some(&b'{')
    }

    /// Passes the elements of an array, or the members of an object, to `each`. Other values have
    /// none.
    pub fn each(self, each: Each<'_, 'a>) {
        // The text was validated, so this cannot fail.
        let _ = Value::parse_with(self.bytes(), each);
    }

    /// The member with this name: the last of several, as in parsers that build maps.
    pub fn member(self, name: &[u8]) -> Option<Value<'a>> {
        let mut found = None;
        self.each(&mut |key, value| {
            if key.is(name) {
                found = Some(value);
            }
        });
        found
    }

    /// Whether JavaScript treats the value as true.
    pub fn is_truthy(self) -> bool {
        match self.bytes().first() {
            Some(b'f' | b'n') => false,
            Some(b'"') => self.0.len() > 2,
            Some(b'-' | b'0'..=b'9') => !number::is_zero(self.bytes()),
            _ => true,
        }
    }

    /// Whether it is a number or a string: their text holds no line feed, so it fits a log line.
    pub fn is_simple(&self) -> bool {
        matches!(self.bytes().first(), Some(b'"' | b'-' | b'0'..=b'9'))
    }

    /// Whether it is a string equal to `expected`, whatever its escapes. Characters beyond ASCII
    /// are compared unescaped only.
    pub fn is(self, expected: &[u8]) -> bool {
        self.is_joined(&[expected])
    }

    /// The same, for the concatenation of these texts.
    pub fn is_joined(self, expected: &[&[u8]]) -> bool {
        let [b'"', content @ .., b'"'] = self.bytes() else {
            return false;
        };
        let rest = expected.iter().try_fold(content, |rest, part| strip(rest, part));
        rest.is_some_and(<[u8]>::is_empty)
    }

    /// The text between a string's quotes, with its escapes.
    pub fn content(self) -> Option<&'a str> {
        let is_string = self.bytes().first() == Some(&b'"');
        is_string.then(|| self.0.get(1..self.0.len() - 1))?
    }
}

/// The rest of a string's content after `expected`; None if it does not start so.
fn strip<'a>(mut content: &'a [u8], expected: &[u8]) -> Option<&'a [u8]> {
    for &byte in expected {
        let (found, rest) = match *content {
            [b'\\', b'u', b'0', b'0', high, low, ref rest @ ..] => {
                let digit = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default();
                (digit(high) << 4 | digit(low), rest)
            }
            [b'\\', character @ (b'"' | b'\\' | b'/'), ref rest @ ..] => (character.into(), rest),
            [b'\\', ..] | [] => return None,
            [character, ref rest @ ..] => (character.into(), rest),
        };
        if found != u32::from(byte) {
            return None;
        }
        content = rest;
    }
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec::Vec;

    fn parse(text: &str) -> Option<Value<'_>> {
        Value::parse(text.as_bytes())
    }

    #[test]
    fn valid_json_is_accepted_and_nothing_else() {
        for sound in [
            "0",
            "-0.5e+10",
            " true ",
            "\"\\u00e9\\\\\"",
            "[]",
            "{}",
            "[1,[2,{\"a\":[]}], 3 ]",
            "{ \"a\" : 1 , \"b\" : { } }",
            "\"\\ud800\"",
            "null\n",
        ] {
            assert!(parse(sound).is_some(), "{sound}");
        }
        for broken in [
            "",
            " ",
            "01",
            "1.",
            "-",
            "1e",
            ".5",
            "+1",
            "tru",
            "nul",
            "truex",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\t\"",
            "[",
            "[1",
            "[1,]",
            "[,]",
            "[1 2]",
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{1:1}",
            "]",
            "[}",
            "{]",
            "1 2",
            "\u{feff}1",
        ] {
            assert!(parse(broken).is_none(), "{broken}");
        }
        assert!(Value::parse(b"\"\xff\"").is_none());
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(64)).is_some());
        assert!(parse(&nested(65)).is_none());
        assert!(parse(&"[".repeat(1_000_000)).is_none());
    }

    #[test]
    fn members_are_found_by_their_name_and_the_last_counts() {
        let value = parse(r#"{"a":1, "\u0061" : [2,{"a":3}] ,"b\/":"\ud83d\ude00","c":{}}"#);
        let value = value.expect("JSON");
        assert_eq!(value.member(b"a").expect("a").text(), r#"[2,{"a":3}]"#);
        assert_eq!(value.member(b"b/").expect("b").content(), Some(r"\ud83d\ude00"));
        assert_eq!(value.member(b"d"), None);
        assert_eq!(value.member(b"a\0"), None);
        let items = |value: Value<'static>| {
            let mut texts = Vec::new();
            value.each(&mut |_, value| texts.push(value.text()));
            texts
        };
        assert_eq!(items(value), ["1", r#"[2,{"a":3}]"#, r#""\ud83d\ude00""#, "{}"]);
        assert_eq!(items(parse("[ 1 , [2] ]").expect("JSON")), ["1", "[2]"]);
        assert_eq!(items(parse("7").expect("JSON")), [""; 0]);
    }

    #[test]
    fn strings_are_compared_without_their_escapes() {
        let is = |text: &str, expected: &str| parse(text).expect("JSON").is(expected.as_bytes());
        for same in ["\"a/é\"", r#""\u0061\/é""#, r#""a\u002fé""#, r#""\u0061\u002Fé""#] {
            assert!(is(same, "a/é"), "{same}");
        }
        assert!(is(r#""\"\\""#, "\"\\"));
        for other in ["\"\"", "\"a/\"", "\"a/éx\"", r#""a/\u0165""#, r#""\t/é""#, "1", "{}"] {
            assert!(!is(other, "a/é"), "{other}");
        }
        for control in ["n", "t", "b", "f", "r"] {
            assert!(!is(&format!("\"\\{control}\""), control));
        }
    }

    #[test]
    fn truthiness_is_javascripts() {
        for truthy in ["true", "1", "-0.5", "\"false\"", "\"0\"", "[]", "{}", "10e-3", "\" \""] {
            assert!(parse(truthy).expect("JSON").is_truthy(), "{truthy}");
        }
        for falsy in ["false", "null", "0", "-0", "0.00", "0e9", "0E9", "1e-400", "\"\""] {
            assert!(!parse(falsy).expect("JSON").is_truthy(), "{falsy}");
        }
    }
}
