//! The grammar of JSON: a reader that accepts valid values and nothing else.

/// Deepest nesting of containers; no ping nests deeper.
pub const MAX_DEPTH: u32 = 64;

/// The text of one valid JSON value, without surrounding space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a>(pub(super) &'a str);

/// Callback for each item of a container. Its arguments are the key (empty for array elements) and
/// the value.
pub type Each<'e, 'a> = &'e mut dyn FnMut(Value<'a>, Value<'a>);

/// A position in a text. After a None the text is not JSON, and the position has no meaning.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    /// Index of the next byte.
    at: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(text: &'a str) -> Reader<'a> {
        Reader { text, at: 0 }
    }

    /// Skips space, and consumes the byte after it.
    pub fn next(&mut self) -> Option<u8> {
        loop {
            let byte = self.peek()?;
            self.at += 1;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
        }
    }

    /// Consumes the rest of a value whose first byte, `first`, has been consumed, and passes its
    /// items to `each`. `depth` limits the nesting of containers.
    pub fn value(&mut self, first: u8, depth: u32, each: Each<'_, 'a>) -> Option<Value<'a>> {
        let start = self.at - 1;
        match first {
            b'{' | b'[' => self.items(first, depth, each)?,
            b'"' => self.string()?,
            b't' => self.word(b"rue")?,
            b'f' => self.word(b"alse")?,
            b'n' => self.word(b"ull")?,
            _ => self.number(first)?,
        }
        self.text.get(start..self.at).map(Value)
    }

    fn items(&mut self, first: u8, depth: u32, each: Each<'_, 'a>) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let (is_object, end) = if first == b'{' { (true, b'}') } else { (false, b']') };
        let mut next = self.next()?;
        if next == end {
            return Some(());
        }
        loop {
            let mut key = Value("");
            if is_object {
                if next != b'"' {
                    return None;
                }
                key = self.value(next, 0, &mut |_, _| ())?;
                if self.next()? != b':' {
                    return None;
                }
                next = self.next()?;
            }
            each(key, self.value(next, depth, &mut |_, _| ())?);
            match self.next()? {
                b',' => next = self.next()?,
                other => return (other == end).then_some(()),
            }
        }
    }

    /// Inlined because a call takes more code.
    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, expected: u8) -> bool {
        let found = self.peek() == Some(expected);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..)?;
        self.at += word.len();
        rest.starts_with(word).then_some(())
    }

    fn string(&mut self) -> Option<()> {
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                0..b' ' => return None,
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let kind = self.peek()?;
        self.at += 1;
        match kind {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
                self.at += 4;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }

    fn number(&mut self, first: u8) -> Option<()> {
        // Step back to the first digit, unless a sign was consumed.
        self.at -= usize::from(first != b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
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
