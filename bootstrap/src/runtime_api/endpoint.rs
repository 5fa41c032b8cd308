//! The address of the Runtime API, and connecting to it.

use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;

use pilotlight_host::errno::Errno;
use pilotlight_host::integer;
use pilotlight_host::sys;
use pilotlight_host::sys::resolver;
use pilotlight_host::sys::socket::Socket;

use crate::failure::Failure;

/// The address in `AWS_LAMBDA_RUNTIME_API`.
#[derive(Debug, PartialEq, Eq)]
pub struct Endpoint {
    host: String,
    port: u16,
    /// The candidate addresses, the likeliest first; empty until a name has been resolved.
    pub addresses: Vec<SocketAddr>,
    /// The prefix of every path; empty on Lambda.
    pub base: String,
    /// For the `Host` header.
    pub authority: String,
    /// Whether a connection has succeeded before.
    reached: bool,
}

/// Pauses between attempts while the API does not listen yet, in milliseconds: one second in all.
const PAUSES_MS: [u32; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

impl Endpoint {
    /// Reads `[http://]host[:port][/base]`.
    pub fn parse(text: &[u8]) -> Option<Endpoint> {
        let text = text.strip_prefix(b"http://").unwrap_or(text);
        let rfind = |bytes: &[u8], needle| bytes.iter().rposition(|&byte| byte == needle);
        let slash = text.iter().position(|&byte| byte == b'/').unwrap_or(text.len());
        let (authority, base) = text.split_at(slash);
        let (host, port) = match (rfind(authority, b':'), rfind(authority, b']')) {
            // An IPv6 address in brackets has colons of its own.
            (Some(colon), bracket) if bracket.is_none_or(|bracket| bracket < colon) => {
                let port = integer::parse_decimal(&authority[colon + 1..])?;
                (&authority[..colon], u16::try_from(port).ok()?)
            }
            _ => (authority, 80),
        };
        let inner = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]"));
        let host = inner.unwrap_or(host);
        if host.is_empty() || !text.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let string = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        // Host names are case-insensitive, and hosts files have them in lower case.
        let host = string(host)?.to_ascii_lowercase();
        let name = CString::new(host.as_str()).unwrap_or_default();
        // RFC 6761: `localhost` is not resolved by DNS, and there may be no hosts file.
        let is_local = host == "localhost";
        let numbers = if is_local { [c"127.0.0.1", c"::1"] } else { [name.as_c_str(), c""] };
        let mut addresses = Vec::new();
        for number in numbers {
            if let Some(address) = resolver::numeric_address(number, port) {
                addresses.push(address);
            }
        }
        Some(Endpoint {
            host,
            port,
            addresses,
            base: string(base.strip_suffix(b"/").unwrap_or(base))?,
            authority: string(authority)?,
            reached: false,
        })
    }

    /// Connects to the first address that accepts, and moves it to the front: a crash report cannot
    /// resolve names. AWS's emulator starts the runtime and its server at the same time, and the
    /// runtime may be first: until a connection has succeeded, refused addresses are tried again
    /// after each pause.
    pub fn connect(&mut self) -> Result<Socket, Failure> {
        const REFUSED: Errno = Errno(libc::ECONNREFUSED);
        if self.addresses.is_empty() {
            let name = CString::new(self.host.as_str()).unwrap_or_default();
            self.addresses = resolver::resolve(&name, self.port);
        }
        if self.addresses.is_empty() {
            let message = format!("cannot find the Runtime API's host `{}`", self.host);
            return Err(Failure::runtime_api(message));
        }
        let mut pauses = PAUSES_MS.iter().filter(|_| !self.reached);
        let errno = loop {
            let mut failure = Errno(0);
            for index in 0..self.addresses.len() {
                match Socket::connect(&self.addresses[index]) {
                    Ok(socket) => {
                        self.addresses.swap(0, index);
                        self.reached = true;
                        return Ok(socket);
                    }
                    Err(_) if failure == REFUSED => {}
                    Err(errno) => failure = errno,
                }
            }
            match pauses.next() {
                Some(&pause) if failure == REFUSED => sys::pause(pause),
                _ => break failure,
            }
        };
        let message = format!("cannot connect to the Runtime API at {}", self.authority);
        Err(Failure::runtime_api(format!("{message} ({errno})")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Option<(String, u16, String)> {
        Endpoint::parse(text.as_bytes()).map(|found| (found.host, found.port, found.base))
    }

    #[test]
    fn endpoints_may_have_a_scheme_a_name_and_a_base() {
        let is = |text, host: &str, port, base: &str| {
            assert_eq!(endpoint(text), Some((host.into(), port, base.into())), "{text}");
        };
        is("127.0.0.1:9001", "127.0.0.1", 9001, "");
        is("http://localhost:9000/.rt/f/", "localhost", 9000, "/.rt/f");
        is("[::1]:9001", "::1", 9001, "");
        is("[::1]", "::1", 80, "");
        is("Host", "host", 80, "");
        assert_eq!(endpoint(""), None);
        assert_eq!(endpoint(":80"), None);
        assert_eq!(endpoint("host:99999"), None);
        assert_eq!(endpoint("host:1\r\nX: y"), None);
    }
}
