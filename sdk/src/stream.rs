//! Streamed responses.

use std::fmt;
use std::io;
use std::io::Write;
use std::marker::PhantomData;

use pilotlight_abi as abi;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::Context;
use crate::runtime;

/// A response that the handler writes piece by piece.
///
/// ```
/// use std::io;
/// use std::io::Write;
///
/// use pilotlight::ResponseStream;
///
/// fn count(chunks: u32, mut response: ResponseStream) -> io::Result<()> {
///     for chunk in 0..chunks {
///         writeln!(response, "chunk {chunk}")?;
///     }
///     Ok(())
/// }
/// # pilotlight::handler!(count);
/// ```
///
/// Each write, and each `write!`, is sent at once, and waits while the reader is slow. Collect
/// small pieces in a [`std::io::BufWriter`].
///
/// # Errors
///
/// A handler that takes a stream returns `Result<(), E>`. An error before the first write fails the
/// invocation like any other error. A later error breaks the response off, and reaches the reader
/// at its end.
///
/// A write fails with [`BrokenPipe`](io::ErrorKind::BrokenPipe) if the reader has gone, and with
/// [`Unsupported`](io::ErrorKind::Unsupported) if no runtime is attached, as in a unit test.
#[derive(Debug)]
pub struct ResponseStream<'a> {
    stream: *mut abi::Stream,
    invocation: PhantomData<&'a Context>,
}

// SAFETY: the ABI lets any thread write, one at a time, which `&mut self` ensures.
unsafe impl Send for ResponseStream<'_> {}

impl<'a> ResponseStream<'a> {
    /// The stream of an invocation. Create it once.
    pub(crate) fn of(context: &'a Context) -> ResponseStream<'a> {
        ResponseStream { stream: context.stream(), invocation: PhantomData }
    }

    /// Sets the content type, before the first write. The default is `application/octet-stream`.
    ///
    /// # Errors
    /// `InvalidInput` after the first write, or if the content type is not printable ASCII;
    /// `Unsupported` if no runtime is attached.
    pub fn begin(&mut self, content_type: &str) -> io::Result<()> {
        self.begin_with(abi::Bytes::of(content_type.as_bytes()), abi::Bytes::ABSENT)
    }

    /// Sets status, headers and cookies for a function URL or API Gateway, before the first write.
    ///
    /// # Errors
    /// `InvalidInput` after the first write; `Unsupported` if no runtime is attached.
    pub fn begin_http(&mut self, prelude: Prelude) -> io::Result<()> {
        self.begin_json(prelude.into_json().to_string().as_bytes())
    }

    /// Sets a prelude that is JSON already.
    pub(crate) fn begin_json(&mut self, prelude: &[u8]) -> io::Result<()> {
        self.begin_with(abi::Bytes::ABSENT, abi::Bytes::of(prelude))
    }

    fn begin_with(&mut self, content_type: abi::Bytes, prelude: abi::Bytes) -> io::Result<()> {
        let runtime = runtime::attached().ok_or(io::ErrorKind::Unsupported)?;
        // SAFETY: the ABI's rule for `stream_begin`: the invocation has not ended, as 'a says.
        result(unsafe { (runtime.stream_begin)(self.stream, content_type, prelude) })
    }
}

impl Write for ResponseStream<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let runtime = runtime::attached().ok_or(io::ErrorKind::Unsupported)?;
        // SAFETY: the ABI's rule for `stream_write`, as above.
        result(unsafe { (runtime.stream_write)(self.stream, abi::Bytes::of(piece)) })?;
        Ok(piece.len())
    }

    /// Formats first, so that each `write!` is one piece instead of one for each argument.
    fn write_fmt(&mut self, text: fmt::Arguments) -> io::Result<()> {
        self.write_all(text.to_string().as_bytes())
    }

    /// Does nothing: every write has been sent.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn result(error_number: i32) -> io::Result<()> {
    match error_number {
        0 => Ok(()),
        number => Err(io::Error::from_raw_os_error(number)),
    }
}

/// The prelude of a streamed HTTP response: its status, headers and cookies.
///
/// ```
/// # use pilotlight::Prelude;
/// let prelude = Prelude::new(200).header("Content-Type", "text/plain").cookie("seen=1");
/// ```
///
/// Source: "Response streaming for Lambda functions" in AWS's documentation: JSON with
/// `statusCode`, `headers` and `cookies`.
#[derive(Clone, Debug)]
pub struct Prelude {
    status: u16,
    headers: Map<String, Value>,
    cookies: Vec<String>,
}

impl Prelude {
    /// A prelude with this status and no headers or cookies.
    pub fn new(status: u16) -> Prelude {
        Prelude { status, headers: Map::new(), cookies: Vec::new() }
    }

    /// Adds a header, or replaces it.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Prelude {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Adds a cookie, in the form of a `Set-Cookie` header's value.
    #[must_use]
    pub fn cookie(mut self, cookie: &str) -> Prelude {
        self.cookies.push(cookie.into());
        self
    }

    fn into_json(self) -> Value {
        json!({ "statusCode": self.status, "headers": self.headers, "cookies": self.cookies })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prelude_is_json_as_function_urls_read_it() {
        let prelude = Prelude::new(201).header("X-A", "1").header("X-A", "2").cookie("a=b");
        let expected = json!({ "statusCode": 201, "headers": { "X-A": "2" }, "cookies": ["a=b"] });
        assert_eq!(prelude.into_json(), expected);
    }

    #[test]
    fn without_a_runtime_nothing_can_be_written() {
        let context = Context::default();
        let mut stream = ResponseStream::of(&context);
        let error = stream.write(b"x").expect_err("no runtime");
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    }
}
