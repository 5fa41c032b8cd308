//! Reports a crash before the process ends: to the invocation's `/error`, to `/init/error`, or in
//! the trailers of a streamed response, with the signal, the address and the nearest symbol; and in
//! one line of the log.
//!
//! The report is made inside a signal handler, on an alternate stack. So nothing here allocates,
//! locks or waits without a timeout: the requests were prepared when the invocations arrived
//! ([`crate::in_flight`]), and the rest is written into a static buffer.

#[allow(unsafe_code)] // A pointer that the library keeps valid.
mod last_words;
#[allow(unsafe_code)] // A static buffer with one owner.
mod report_buffer;
#[allow(unsafe_code)] // Signal handlers, and system calls about signals.
mod signals;
#[allow(unsafe_code)] // A signal handler, and system calls about timers.
mod time_out;
#[allow(unsafe_code)] // A pointer to a static.
mod walker;

use core::ffi::CStr;
use core::fmt;
use core::fmt::Write as _;

use pilotlight_loader::package::Part;

pub use self::last_words::last_words;
pub use self::signals::is_watched;
pub use self::signals::report_abort;
pub use self::signals::report_exit;
pub use self::signals::report_failure;
pub use self::signals::watch_faults;
pub use self::signals::watch_other_signals;
pub use self::time_out::Watch;
pub use self::time_out::report_time_outs;
pub use self::walker::Walker;

use crate::base64;
use crate::errno::Errno;
use crate::file::File;
use crate::in_flight;
use crate::in_flight::Destination;
use crate::in_flight::Report;
use crate::json;
use crate::log;
use crate::map::nearest_symbol;
use crate::sys;
use crate::sys::socket::Socket;

/// Time for the Runtime API to respond to a report, in milliseconds.
const ANSWER_TIMEOUT_MS: i32 = 1000;

/// Limit of a message, in bytes.
const MAX_MESSAGE: usize = 2048;
/// Limit of a message as JSON with the other fields, in bytes. Of a message, only the bytes that
/// the library set (up to 1,024) may take six bytes each.
const MAX_ESCAPED: usize = 8 << 10;

/// Finds the library that holds an address of code.
pub type Locate = fn(usize) -> Option<Located>;

/// The library that holds an address.
#[derive(Debug)]
pub struct Located {
    /// The path of its file.
    pub path: &'static CStr,
    /// Its bytes in the running executable, if that carries it.
    pub part: Option<Part>,
    /// The difference between live and file-relative addresses.
    pub base: u64,
}

impl Located {
    fn open(&self) -> Result<File, Errno> {
        self.part.map_or_else(|| File::open(self.path), File::open_part)
    }
}

/// The cause of the end of the process.
#[derive(Clone, Copy, Debug)]
enum Cause {
    /// A signal.
    Signal {
        /// Its number.
        number: i32,
        /// The address of a fault.
        address: Option<usize>,
        /// The address of the interrupted instruction.
        instruction: usize,
        /// Whether the fault is close to the stack pointer.
        stack_overflow: bool,
    },
    /// `exit`, `_exit` or a similar function.
    Exit {
        /// The exit code.
        code: i32,
    },
    /// A failure of the runtime, which is logged separately.
    Failure {
        /// The exit code.
        code: i32,
    },
}

impl Cause {
    /// The error type that the platform and the caller see.
    fn error_type(&self) -> &'static str {
        match *self {
            Cause::Signal { stack_overflow: true, .. } => "StackOverflow",
            Cause::Signal { number, .. } => signals::error_type(number),
            Cause::Exit { .. } => "ProcessExit",
            Cause::Failure { .. } => "RuntimeFailure",
        }
    }

    fn describe(&self, locate: Option<Locate>, text: &mut FixedString) -> fmt::Result {
        match *self {
            Cause::Exit { code } => {
                write!(text, "the handler ended the process with exit code {code}")
            }
            Cause::Failure { code } => {
                write!(
                    text,
                    "the runtime ended the process with exit code {code}; its log says why"
                )
            }
            Cause::Signal { number, address, instruction, stack_overflow } => {
                let name = signals::name(number);
                write!(text, "the handler was killed by signal {number} ({name}")?;
                if stack_overflow {
                    text.write_str(", stack overflow")?;
                }
                text.write_str(")")?;
                if let Some(address) = address {
                    write!(text, " at address {address:#x}")?;
                }
                describe_location(instruction, locate, ", in ", text)
            }
        }
    }
}

/// Writes `before` and the file, the offset and the nearest symbol of an instruction.
fn describe_location(
    instruction: usize,
    locate: Option<Locate>,
    before: &str,
    text: &mut FixedString,
) -> fmt::Result {
    let Some(library) = locate.and_then(|locate| locate(instruction)) else {
        return Ok(());
    };
    let offset = (instruction as u64).wrapping_sub(library.base);
    text.write_str(before)?;
    text.push_plain(library.path.to_bytes());
    write!(text, "+{offset:#x}")?;
    if let Ok(file) = library.open() {
        nearest_symbol(&file, offset, |name, distance| {
            text.write_str(" (")?;
            text.push_plain(name);
            write!(text, "+{distance:#x})")
        })
        .unwrap_or(Ok(()))?;
    }
    Ok(())
}

/// Reports the cause in one line of the log and to every invocation in flight, this thread's first.
/// A second thread that calls this waits until the first has finished.
fn report(cause: &Cause, locate: Option<Locate>) {
    let Some(buffer) = report_buffer::take() else {
        return in_flight::wait_for_report();
    };
    in_flight::begin_report();
    let (message_buffer, rest) = buffer.split_at_mut(MAX_MESSAGE);
    let mut message = FixedString::new(message_buffer);
    // Writing to a full string cuts the text.
    let _ = cause.describe(locate, &mut message);
    if let Some(reason) = last_words::get() {
        message.push(b": ");
        message.push(reason);
    }
    let message = message.as_bytes();

    let (line_buffer, rest) = rest.split_at_mut(MAX_ESCAPED);
    if !matches!(cause, Cause::Failure { .. }) {
        let mut line = FixedString::new(line_buffer);
        let _ = log::format_error(&mut line, message);
        sys::log(line.as_bytes());
    }

    let (body_buffer, rest) = rest.split_at_mut(MAX_ESCAPED);
    let mut body = FixedString::new(body_buffer);
    let _ = body.write_str("{\"errorMessage\":");
    let _ = json::write_string(&mut body, message);
    let _ = write!(body, ",\"errorType\":\"{}\",\"stackTrace\":[]}}", cause.error_type());

    in_flight::take_all(&mut |report| {
        // If the destination is gone, there is no one left to report to.
        let _ = send(report, cause.error_type(), body.as_bytes(), rest);
    });
    in_flight::end_report();
}

/// Sends one report; its head is written to `buffer`.
fn send(report: &Report, kind: &str, body: &[u8], buffer: &mut [u8]) -> Result<(), Errno> {
    let mut head = FixedString::new(buffer);
    head.push(report.head);
    let _ = write!(head, "Function.{kind}\r\n");
    match report.destination {
        Destination::Post(address) => {
            let _ = write!(head, "Content-Length: {}\r\n\r\n", body.len());
            let socket = Socket::connect(&address)?;
            socket.send([head.as_bytes(), body, b"", b""])?;
            socket.wait_readable(ANSWER_TIMEOUT_MS);
        }
        Destination::Trailers(descriptor, name) => {
            let _ = write!(head, "{name}: ");
            let _ = base64::write(&mut head, body);
            let _ = head.write_str("\r\n\r\n");
            let socket = Socket::borrow_raw(descriptor);
            socket.send([head.as_bytes(), b"", b"", b""])?;
            socket.wait_readable(ANSWER_TIMEOUT_MS);
        }
    }
    Ok(())
}

/// A string in a buffer of fixed size; what does not fit is cut.
struct FixedString<'a> {
    buffer: &'a mut [u8],
    length: usize,
}

impl<'a> FixedString<'a> {
    fn new(buffer: &'a mut [u8]) -> FixedString<'a> {
        FixedString { buffer, length: 0 }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.buffer[..self.length]
    }

    /// Appends the bytes that fit.
    fn push(&mut self, bytes: &[u8]) {
        let size = bytes.len().min(self.buffer.len() - self.length);
        self.buffer[self.length..self.length + size].copy_from_slice(&bytes[..size]);
        self.length += size;
    }

    /// Appends arbitrary bytes; those that need escaping in a JSON string become `?`.
    fn push_plain(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let plain = matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
            self.push(&[if plain { byte } else { b'?' }]);
        }
    }
}

impl fmt::Write for FixedString<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(cause: Cause) -> alloc::string::String {
        let mut buffer = [0; 256];
        let mut text = FixedString::new(&mut buffer);
        cause.describe(None, &mut text).expect("space");
        core::str::from_utf8(text.as_bytes()).expect("ASCII").into()
    }

    #[test]
    fn causes_are_described() {
        let fault =
            Cause::Signal { number: 11, address: Some(16), instruction: 0, stack_overflow: false };
        assert_eq!(
            described(fault),
            "the handler was killed by signal 11 (SIGSEGV) at address 0x10"
        );
        assert_eq!(fault.error_type(), "SegmentationFault");
        let exit = Cause::Exit { code: 3 };
        assert_eq!(described(exit), "the handler ended the process with exit code 3");
    }

    #[test]
    fn a_full_string_is_cut() {
        let mut buffer = [0; 4];
        let mut text = FixedString::new(&mut buffer);
        text.push_plain(b"a\"\x01bcd");
        assert_eq!(text.as_bytes(), b"a??b");
    }
}
