//! A handler that dies is reported before the process ends: to the invocation's `/error`, or to
//! `/init/error`, or at the end of a response that is being streamed, with the signal, the address and
//! the nearest symbol; and in one line of the log.
//!
//! The report is made inside a signal handler, on a stack of its own. So nothing here allocates,
//! locks or waits without an end: the requests were prepared when the invocations came
//! ([`crate::in_flight`]), and the rest is written into a buffer that is there from the start.

#[allow(unsafe_code)]
mod last_words;
#[allow(unsafe_code)]
mod report_buffer;
#[allow(unsafe_code)]
mod signals;

use core::ffi::CStr;
use core::fmt;
use core::fmt::Write as _;

pub use self::last_words::last_words;
pub use self::signals::is_watched;
pub use self::signals::pilotlight_raise;
pub use self::signals::report_abort;
pub use self::signals::report_exit;
pub use self::signals::report_failure;
pub use self::signals::watch_faults;
pub use self::signals::watch_other_signals;

use crate::base64;
use crate::file::File;
use crate::in_flight;
use crate::in_flight::Destination;
use crate::in_flight::Request;
use crate::json;
use crate::loader::nearest_symbol;
use crate::log;
use crate::sys;
use crate::sys::Socket;

/// How long the Runtime API may take to answer a report.
const ANSWER_TIMEOUT_MS: i32 = 1000;

/// Room for a message as JSON with what is written beside it: of its 2,048 bytes, those that a
/// library has said may need six each.
const MAX_ESCAPED: usize = 8 << 10;

/// Which file an address of code belongs to, and where that file's addresses begin.
pub type Locate = fn(usize) -> Option<(&'static CStr, u64)>;

/// Why a process ends.
#[derive(Clone, Copy, Debug)]
pub enum Cause {
    /// By a signal.
    Signal {
        /// Its number.
        number: i32,
        /// The address that could not be used, for a fault.
        address: Option<usize>,
        /// What was being executed.
        instruction: usize,
        /// Whether the address lies where the stack ends.
        stack_overflow: bool,
    },
    /// By `exit` or one of its kin.
    Exit {
        /// The exit code.
        code: i32,
    },
    /// By a failure of the runtime's own, which the log has already.
    Failure {
        /// The exit code.
        code: i32,
    },
}

impl Cause {
    /// What the platform and the caller see as the error's type.
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
                write!(text, "the handler died by signal {number} ({name}")?;
                if stack_overflow {
                    text.write_str(", its stack is full")?;
                }
                text.write_str(")")?;
                if let Some(address) = address {
                    write!(text, " at address {address:#x}")?;
                }
                describe_location(instruction, locate, text)
            }
        }
    }
}

/// Names the file, the symbol and the offset of what was being executed.
fn describe_location(
    instruction: usize,
    locate: Option<Locate>,
    text: &mut FixedString,
) -> fmt::Result {
    let Some((path, base)) = locate.and_then(|locate| locate(instruction)) else {
        return Ok(());
    };
    let offset = (instruction as u64).wrapping_sub(base);
    text.write_str(", in ")?;
    text.push_plain(path.to_bytes());
    write!(text, "+{offset:#x}")?;
    if let Ok(file) = File::open(path) {
        nearest_symbol(&file, offset, |name, distance| {
            text.write_str(" (")?;
            text.push_plain(name);
            write!(text, "+{distance:#x})")
        })
        .unwrap_or(Ok(()))?;
    }
    Ok(())
}

/// Says why the process is about to end: in one line of the log, and to every invocation that is in
/// flight, of this thread's worker first. On any other thread, it waits until that has been done.
fn report(cause: &Cause, locate: Option<Locate>) {
    let Some(room) = report_buffer::take() else {
        return in_flight::wait_for_report();
    };
    in_flight::begin_report();
    let (message_room, rest) = room.split_at_mut(2048);
    let mut message = FixedString::new(message_room);
    // A text that is full is cut.
    let _ = cause.describe(locate, &mut message);
    if let Some(words) = last_words::get() {
        message.push(b": ");
        message.push(words);
    }
    let message = message.as_bytes();

    let (line_room, rest) = rest.split_at_mut(MAX_ESCAPED);
    if !matches!(cause, Cause::Failure { .. }) {
        let mut line = FixedString::new(line_room);
        let _ = log::write_error(&mut line, message);
        sys::log(line.as_bytes());
    }

    let (body_room, rest) = rest.split_at_mut(MAX_ESCAPED);
    let mut body = FixedString::new(body_room);
    let _ = body.write_str("{\"errorMessage\":");
    let _ = json::write_string(&mut body, message);
    let _ = write!(body, ",\"errorType\":\"{}\",\"stackTrace\":[]}}", cause.error_type());

    in_flight::take_all(&mut |request| {
        // A goal that is not there any more has nobody to tell.
        let _ = send(request, cause.error_type(), body.as_bytes(), rest);
    });
    in_flight::end_report();
}

/// Sends one report; `room` is for its head.
fn send(request: &Request, kind: &str, body: &[u8], room: &mut [u8]) -> Result<(), i32> {
    let mut head = FixedString::new(room);
    head.push(request.head);
    let _ = write!(head, "Function.{kind}\r\n");
    match request.destination {
        Destination::Post(address) => {
            let _ = write!(head, "Content-Length: {}\r\n\r\n", body.len());
            let socket = Socket::connect(&address)?;
            socket.send([head.as_bytes(), body, b"", b""])?;
            socket.wait_for_answer(ANSWER_TIMEOUT_MS);
        }
        Destination::Trailers(descriptor, name) => {
            let _ = write!(head, "{name}: ");
            let _ = base64::write(&mut head, body);
            let _ = head.write_str("\r\n\r\n");
            let socket = Socket::borrow_raw(descriptor);
            socket.send([head.as_bytes(), b"", b"", b""])?;
            socket.wait_for_answer(ANSWER_TIMEOUT_MS);
        }
    }
    Ok(())
}

/// A text in a buffer of fixed size.
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

    /// Appends as much as there is room for.
    fn push(&mut self, bytes: &[u8]) {
        let size = bytes.len().min(self.buffer.len() - self.length);
        self.buffer[self.length..self.length + size].copy_from_slice(&bytes[..size]);
        self.length += size;
    }

    /// Appends what may be anything, as what stands in a JSON string unescaped.
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
        cause.describe(None, &mut text).expect("room");
        core::str::from_utf8(text.as_bytes()).expect("ASCII").into()
    }

    #[test]
    fn causes_are_described() {
        let fault =
            Cause::Signal { number: 11, address: Some(16), instruction: 0, stack_overflow: false };
        assert_eq!(described(fault), "the handler died by signal 11 (SIGSEGV) at address 0x10");
        assert_eq!(fault.error_type(), "SegmentationFault");
        let exit = Cause::Exit { code: 3 };
        assert_eq!(described(exit), "the handler ended the process with exit code 3");
    }

    #[test]
    fn a_text_that_is_full_is_cut() {
        let mut buffer = [0; 4];
        let mut text = FixedString::new(&mut buffer);
        text.push_plain(b"a\"\x01bcd");
        assert_eq!(text.as_bytes(), b"a??b");
    }
}
