//! The grammar of JSON: passes over values, and over nothing else.

use super::value::Value;

/// No ping nests deeper: a bit for each container that a value is in.
const MOST_DEPTH: u32 = u64::BITS;

/// Reads text from a place on. After a None the text is no JSON, and the place says nothing.
#[derive(Debug)]
pub struct Reader<'a> {
    /// JSON, or what may be.
    pub text: &'a str,
    /// How much of it has been passed.
    pub at: usize,
}

impl<'a> Reader<'a> {
    /// The next byte.
    pub fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes a byte if it is the next one.
    pub fn take(&mut self, expected: u8) -> bool {
        let found = self.peek() == Some(expected);
        self.at += usize::from(found);
        found
    }

    /// Passes space.
    pub fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Passes a value, however it nests, with a bit for each container that it is in: 1 for objects.
    pub fn value(&mut self) -> Option<Value<'a>> {
        self.space();
        let start = self.at;
        let (mut containers, mut depth) = (0u64, 0);
        loop {
            let is_object = |containers: u64| containers & 1 == 1;
            if depth > 0 && is_object(containers) {
                self.key()?;
            }
            let mut has_ended = !self.simple()?;
            if !has_ended {
                if depth == MOST_DEPTH {
                    return None;
                }
                depth += 1;
                let opened = self.text.as_bytes().get(self.at - 1) == Some(&b'{');
                containers = containers << 1 | u64::from(opened);
            }
            // Containers end where nothing follows in them; one that was just opened may be empty.
            loop {
                if has_ended && depth == 0 {
                    return self.text.get(start..self.at).map(Value);
                }
                self.space();
                if has_ended && self.take(b',') {
                    break;
                }
                if !self.take(if is_object(containers) { b'}' } else { b']' }) {
                    if has_ended {
                        return None;
                    }
                    break;
                }
                has_ended = true;
                depth -= 1;
                containers >>= 1;
            }
        }
    }

    /// Passes a value that holds no others, or the first byte of one that does and says so.
    fn simple(&mut self) -> Option<bool> {
        self.space();
        match self.peek()? {
            b'{' | b'[' => {
                self.at += 1;
                return Some(true);
            }
            b'"' => self.string()?,
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'n' => self.word(b"null")?,
            _ => self.number()?,
        }
        Some(false)
    }

    fn key(&mut self) -> Option<()> {
        self.space();
        self.string()?;
        self.space();
        self.take(b':').then_some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..)?;
        self.at += word.len();
        rest.starts_with(word).then_some(())
    }

    fn string(&mut self) -> Option<()> {
        if !self.take(b'"') {
            return None;
        }
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Some(()),
                b'\\' => {
                    let kind = self.peek()?;
                    self.at += 1;
                    match kind {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                        b'u' => {
                            let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
                            self.at += 4;
                            if !digits.iter().all(u8::is_ascii_hexdigit) {
                                return None;
                            }
                        }
                        _ => return None,
                    }
                }
                0..b' ' => return None,
                _ => {}
            }
        }
    }

    fn number(&mut self) -> Option<()> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}
