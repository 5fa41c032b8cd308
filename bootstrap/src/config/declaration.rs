//! Declarations of configuration values: `name=source?options`, in `PILOTLIGHT_CONFIG`, in a file
//! of the package or in code.
//!
//! The variable separates declarations by commas or lines; `@file` includes those of a file in the
//! package. That file is a subset of TOML: lines `name = "source?options"`, optionally under
//! `[config]`, and comments.

use pilotlight_host::integer;
use pilotlight_services_abi::config as abi;

/// Default wait of the first read for a required value, and of the start for a prefetched one, in
/// milliseconds.
const WAIT_MS: u64 = 3000;

const SOURCES: &str = "a source: appconfig:application/environment/profile, ssm:/path, secret:id, \
                       file:path, env:NAME or http://host:port/path";
const OPTIONS: &str =
    "options after the ?: ttl=45s, wait=3s, required, prefetch or secret, joined by &";
const APPCONFIG: &str =
    "appconfig:application/environment/profile, names or ids of up to 128 characters";
const FILE: &str = "file:path, from the folder of the function's package";

/// One declaration; it borrows from its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declaration<'a> {
    /// Name that handlers read it by.
    pub name: &'a [u8],
    /// Index into [`abi::SOURCES`].
    pub source: u32,
    /// Address within the source: a path, an id or a URL.
    pub target: &'a [u8],
    /// Time between fetches; 0 for the source's own.
    pub ttl_ms: u64,
    /// Longest wait of the first read, if it is required.
    pub wait_ms: u64,
    /// Whether the first read waits for a value.
    pub is_required: bool,
    /// Whether it is fetched before the first invocation.
    pub is_prefetched: bool,
    /// Whether it must be kept out of logs, errors and files.
    pub is_secret: bool,
}

/// The declarations in a variable's text, trimmed.
pub fn items(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let items = text.split(|&byte| byte == b',' || byte == b'\n').map(<[u8]>::trim_ascii);
    items.filter(|item| !item.is_empty())
}

/// The declarations in a file's text: lines other than comments and the table's name.
pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    lines.filter(|line| !line.is_empty() && !line.starts_with(b"#") && *line != b"[config]")
}

impl<'a> Declaration<'a> {
    /// Parses one. Err is a phrase after "expected".
    pub fn parse(text: &'a [u8]) -> Result<Declaration<'a>, &'static str> {
        let (name, source) = split(text, b'=').ok_or("name=source")?;
        let (name, source) = (name.trim_ascii(), unquoted(source.trim_ascii()));
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-".contains(byte);
        if name.is_empty() || !name.iter().all(is_plain) {
            return Err("a name of letters, digits and _ . - before the =");
        }
        let (kind, rest) = split(source, b':').unwrap_or((source, b""));
        let known = (0u32..).zip(abi::SOURCES).find(|(_, known)| known.as_bytes() == kind);
        let (index, _) = known.ok_or(SOURCES)?;
        let is_url = kind.starts_with(b"http");
        let mut declaration = Declaration {
            name,
            source: index,
            target: if is_url { source } else { rest },
            ttl_ms: 0,
            wait_ms: WAIT_MS,
            is_required: false,
            is_prefetched: false,
            is_secret: kind == b"secret",
        };
        if let Some(mark) = declaration.target.iter().rposition(|&byte| byte == b'?') {
            let (target, options) = declaration.target.split_at(mark);
            // A URL may have a query of its own.
            if declaration.take_options(&options[1..]).is_some() {
                declaration.target = target;
            } else if !is_url {
                return Err(OPTIONS);
            }
        }
        declaration.check_target(kind)?;
        Ok(declaration)
    }

    /// Applies options. None, and no change, if one of them is unknown.
    fn take_options(&mut self, options: &[u8]) -> Option<()> {
        let mut taken = *self;
        for option in options.split(|&byte| byte == b'&') {
            match split(option, b'=').unwrap_or((option, b"")) {
                (b"ttl", value) => taken.ttl_ms = duration(value)?,
                (b"wait", value) => taken.wait_ms = duration(value)?,
                (b"required", b"") => taken.is_required = true,
                (b"prefetch", b"") => taken.is_prefetched = true,
                (b"secret", b"") => taken.is_secret = true,
                _ => return None,
            }
        }
        *self = taken;
        Some(())
    }

    fn check_target(&self, kind: &[u8]) -> Result<(), &'static str> {
        let target = self.target;
        let (is_right, expected) = match kind {
            b"appconfig" => {
                let parts = target.split(|&byte| byte == b'/');
                let right = parts.filter(|part| (1..=128).contains(&part.len())).count();
                let slashes = target.iter().filter(|&&byte| byte == b'/').count();
                (right == 3 && slashes == 2, APPCONFIG)
            }
            b"file" => (!matches!(target, [] | [b'/', ..]), FILE),
            b"http" | b"https" => {
                let rest = target.get(kind.len()..).unwrap_or_default();
                (rest.starts_with(b"://") && rest.len() > 3, "http://host:port/path")
            }
            _ => (!target.is_empty(), "a target after the source's colon"),
        };
        if is_right { Ok(()) } else { Err(expected) }
    }
}

fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let index = text.iter().position(|&byte| byte == at)?;
    Some((&text[..index], &text[index + 1..]))
}

/// The text between double quotes, as in TOML, if only a comment follows them; else all of it.
fn unquoted(text: &[u8]) -> &[u8] {
    let Some((b"", quoted)) = split(text, b'"') else {
        return text;
    };
    match split(quoted, b'"') {
        Some((inner, rest)) if matches!(rest.trim_ascii(), [] | [b'#', ..]) => inner,
        _ => text,
    }
}

/// `45`, `45s`, `5m`, `1h` or `250ms`, in milliseconds. None for zero.
fn duration(text: &[u8]) -> Option<u64> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let unit = match unit {
        b"ms" => 1,
        b"" | b"s" => 1000,
        b"m" => 60_000,
        b"h" => 3_600_000,
        _ => return None,
    };
    let number = integer::parse_decimal(digits)? as u64;
    number.checked_mul(unit).filter(|&duration| duration > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn parsed(text: &str) -> Declaration<'_> {
        Declaration::parse(text.as_bytes()).expect(text)
    }

    #[test]
    fn every_source_and_option_is_read() {
        let flags = parsed("flags=appconfig:shop/prod/flags?ttl=45s&required&prefetch&wait=1m");
        assert_eq!((flags.name, flags.target), (&b"flags"[..], &b"shop/prod/flags"[..]));
        assert_eq!((flags.source, flags.ttl_ms, flags.wait_ms), (0, 45_000, 60_000));
        assert!(flags.is_required && flags.is_prefetched && !flags.is_secret);
        assert_eq!(parsed("a=ssm:/shop/limit").target, b"/shop/limit");
        assert!(parsed("a=secret:arn:aws:secretsmanager:r:1:secret:x-y").is_secret);
        assert_eq!(parsed("a=file:conf/a.json?ttl=250ms").ttl_ms, 250);
        assert_eq!(parsed("a=env:NAME?secret&ttl=2h").ttl_ms, 7_200_000);
        assert_eq!(parsed("a = \"env:NAME?ttl=5\" # why").ttl_ms, 5000);
    }

    #[test]
    fn a_url_keeps_its_own_query() {
        assert_eq!(parsed("a=http://127.0.0.1:80/x?k=v").target, b"http://127.0.0.1:80/x?k=v");
        let both = parsed("a=http://127.0.0.1:80/x?k=v?ttl=5s");
        assert_eq!((both.target, both.ttl_ms), (&b"http://127.0.0.1:80/x?k=v"[..], 5000));
    }

    #[test]
    fn a_mistake_names_what_was_expected() {
        for (text, expected) in [
            ("flags", "name=source"),
            ("=env:X", "a name of letters"),
            ("fl ags=env:X", "a name of letters"),
            ("flags=appconfg:a/b/c", "a source: appconfig:"),
            ("flags=appconfig:a/b", "appconfig:application/environment/profile"),
            ("flags=appconfig:a//c", "appconfig:application/environment/profile"),
            ("flags=file:/etc/passwd", "file:path, from the folder"),
            ("flags=http:127.0.0.1", "http://host:port"),
            ("flags=ssm:", "a target after"),
            ("flags=ssm:/a?tll=5s", "options after the ?"),
            ("flags=ssm:/a?ttl=0", "options after the ?"),
            ("flags=ssm:/a?ttl=5d", "options after the ?"),
            ("flags=ssm:/a?required=yes", "options after the ?"),
        ] {
            let mistake = Declaration::parse(text.as_bytes()).expect_err(text);
            assert!(mistake.starts_with(expected), "{text}: {mistake}");
        }
    }

    #[test]
    fn lists_and_files_are_split() {
        let list: Vec<&[u8]> = items(b" a=env:A,\n b=env:B\n,, ").collect();
        assert_eq!(list, [b"a=env:A", b"b=env:B"]);
        let file: Vec<&[u8]> =
            lines(b"# a, b\n[config]\r\na = \"env:A\"\n\nb = \"env:B\"").collect();
        assert_eq!(file, [&b"a = \"env:A\""[..], b"b = \"env:B\""]);
    }
}
