//! The grammar of JSON: passes over values, and over nothing else.

/// No ping nests deeper.
pub const MAX_DEPTH: u32 = 64;

/// The text of one JSON value, which is known to be valid, without the space around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a>(pub(super) &'a str);

/// What each item of a container is handed to: its key (of an array's element: nothing), and itself.
pub type Each<'e, 'a> = &'e mut dyn FnMut(Value<'a>, Value<'a>);

/// Reads text from a place on. After a None the text is no JSON, and the place says nothing.
#[derive(Debug)]
pub struct Reader<'a> {
    /// JSON, or what may be.
    text: &'a str,
    /// How much of it has been passed.
    at: usize,
}

impl<'a> Reader<'a> {
    /// Begins at the text's first byte.
    pub fn new(text: &'a str) -> Reader<'a> {
        Reader { text, at: 0 }
    }

    /// Passes space and the byte behind it.
    pub fn next(&mut self) -> Option<u8> {
        loop {
            let byte = self.peek()?;
            self.at += 1;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
        }
    }

    /// Passes the rest of a value whose first byte, `first`, has been passed, and hands its items to
    /// `each`; `depth` is how many containers it may be, one in the other.
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

    /// (Shorter in its place than called.)
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
        // What it is but for a sign begins here.
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
