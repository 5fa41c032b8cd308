//! The kernel's timestamps of received bytes. The thread that waits for the bytes wakes up later:
//! by tens of microseconds if its CPU sleeps, which is as long as the whole start of a small
//! runtime.

use std::io;
use std::io::IoSliceMut;
use std::net::TcpListener;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;
use std::sync::OnceLock;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use nix::sys::socket::ControlMessageOwned;
use nix::sys::socket::MsgFlags;
use nix::sys::socket::recvmsg;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::ReceiveTimestampns;

/// Enables receive timestamps on all connections that the socket accepts.
pub fn enable_timestamps(socket: &TcpListener) -> io::Result<()> {
    /// The kernel patches its own code when the first socket enables timestamps and when the last
    /// one is closed. This socket stays open forever, so that neither happens during a measurement.
    static KEPT: OnceLock<Option<UdpSocket>> = OnceLock::new();
    KEPT.get_or_init(|| {
        let socket = UdpSocket::bind("127.0.0.1:0").ok()?;
        setsockopt(&socket, ReceiveTimestampns, &true).ok()?;
        Some(socket)
    });
    Ok(setsockopt(socket, ReceiveTimestampns, &true)?)
}

/// Reads at least one byte; 0 at the end of the stream. Also returns the arrival time of the last
/// one.
pub fn read(stream: &TcpStream, bytes: &mut [u8]) -> io::Result<(usize, Instant)> {
    let mut times = nix::cmsg_space!(nix::sys::time::TimeSpec);
    let mut parts = [IoSliceMut::new(bytes)];
    let message = loop {
        match recvmsg::<()>(stream.as_raw_fd(), &mut parts, Some(&mut times), MsgFlags::empty()) {
            Err(nix::Error::EINTR) => {}
            message => break message?,
        }
    };
    let arrived = message.cmsgs()?.find_map(|found| match found {
        ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at)),
        _ => None,
    });
    Ok((message.bytes, instant(arrived)))
}

/// Converts the time since the Unix epoch; now, if the kernel sent no timestamp.
fn instant(since_epoch: Option<Duration>) -> Instant {
    let (now, time) = (Instant::now(), SystemTime::now());
    let passed = since_epoch.and_then(|since_epoch| {
        time.duration_since(SystemTime::UNIX_EPOCH.checked_add(since_epoch)?).ok()
    });
    passed.and_then(|passed| now.checked_sub(passed)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::thread;

    use super::*;

    #[test]
    fn bytes_arrive_when_they_are_sent_and_not_when_they_are_read() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        enable_timestamps(&listener).expect("noted");
        let mut client = TcpStream::connect(listener.local_addr().expect("bound")).expect("made");
        let (stream, _) = listener.accept().expect("accepted");
        // The kernel enables timestamps with a delay.
        let noted = (0..20).any(|_| {
            client.write_all(b"request").expect("sent");
            let sent = Instant::now();
            thread::sleep(Duration::from_millis(50));
            let mut bytes = [0; 16];
            let (size, arrived) = read(&stream, &mut bytes).expect("read");
            assert_eq!(&bytes[..size], b"request");
            arrived < sent + Duration::from_millis(25)
        });
        assert!(noted);
        drop(client);
        assert_eq!(read(&stream, &mut [0; 16]).expect("read").0, 0);
    }
}
