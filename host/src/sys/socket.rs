//! TCP sockets.

use alloc::vec::Vec;
use core::cell::Cell;
use core::ffi::c_int;
use core::net::SocketAddr;
use core::ptr;

use super::close;
use super::own_descriptor;
use super::retry_eintr;
use crate::errno::Errno;

/// An address family in the narrower type that the system calls take.
#[expect(clippy::cast_possible_truncation, reason = "AF_INET is 2, AF_INET6 is 10")]
const fn family(number: c_int) -> libc::sa_family_t {
    number as libc::sa_family_t
}

#[expect(clippy::cast_possible_truncation, reason = "a few dozen bytes")]
const fn socket_size<T>() -> libc::socklen_t {
    size_of::<T>() as libc::socklen_t
}

/// A connected TCP socket. It has no timeout: the execution environment may be frozen for hours
/// between a request and its response.
#[derive(Debug)]
pub struct Socket {
    descriptor: c_int,
    /// Whether `TCP_NODELAY` is set.
    has_nodelay: Cell<bool>,
}

impl Socket {
    /// Connects to `address`.
    pub fn connect(address: &SocketAddr) -> Result<Socket, Errno> {
        match address {
            SocketAddr::V4(v4) => {
                let address = libc::sockaddr_in {
                    sin_family: family(libc::AF_INET),
                    sin_port: v4.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
                    sin_zero: [0; 8],
                };
                Socket::connect_to(libc::AF_INET, &address)
            }
            SocketAddr::V6(v6) => {
                let address = libc::sockaddr_in6 {
                    sin6_family: family(libc::AF_INET6),
                    sin6_port: v6.port().to_be(),
                    sin6_flowinfo: 0,
                    sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                    sin6_scope_id: v6.scope_id(),
                };
                Socket::connect_to(libc::AF_INET6, &address)
            }
        }
    }

    fn connect_to<A>(family: c_int, address: &A) -> Result<Socket, Errno> {
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
        // SAFETY: the call has no pointer.
        let descriptor = own_descriptor(unsafe { libc::socket(family, kind, 0) })?;
        let socket = Socket { descriptor, has_nodelay: Cell::new(false) };
        let size = socket_size::<A>();
        // SAFETY: `A` is the socket address of `family`, and `size` is its size.
        if unsafe { libc::connect(descriptor, ptr::from_ref(address).cast(), size) } != 0 {
            return Err(Errno::last());
        }
        Ok(socket)
    }

    /// Sets `TCP_NODELAY`, because the last part of a large response must not wait for an
    /// acknowledgement. This also sends data that is waiting, so it can follow the first request.
    fn set_nodelay(&self) {
        let on: c_int = 1;
        let size = socket_size::<c_int>();
        let (level, option) = (libc::IPPROTO_TCP, libc::TCP_NODELAY);
        // SAFETY: the option's value is an int of that size. It cannot fail on a TCP socket.
        unsafe {
            libc::setsockopt(self.descriptor, level, option, ptr::from_ref(&on).cast(), size)
        };
    }

    /// Appends received bytes to the spare capacity of `buffer`; 0 after the peer has closed.
    pub fn receive(&self, buffer: &mut Vec<u8>) -> Result<usize, Errno> {
        let spare = buffer.spare_capacity_mut();
        let (to, room) = (spare.as_mut_ptr().cast(), spare.len());
        // SAFETY: the kernel writes at most `room` bytes to `to`.
        let read = retry_eintr(|| unsafe { libc::recv(self.descriptor, to, room, 0) })?;
        // SAFETY: the kernel has just written `read` bytes after the buffer's length.
        unsafe { buffer.set_len(buffer.len() + read) };
        Ok(read)
    }

    /// Sends all parts, in one system call if the kernel accepts them at once.
    pub fn send(&self, mut parts: [&[u8]; 4]) -> Result<(), Errno> {
        while parts.iter().any(|part| !part.is_empty()) {
            let mut sent = self.send_some(parts)?;
            for part in &mut parts {
                let from_part = sent.min(part.len());
                *part = &part[from_part..];
                sent -= from_part;
            }
        }
        if !self.has_nodelay.replace(true) {
            self.set_nodelay();
        }
        Ok(())
    }

    /// Whether the connection can take a request: the peer has neither closed it nor sent anything.
    pub fn is_idle(&self) -> bool {
        let mut byte = 0u8;
        let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
        // SAFETY: the kernel writes at most one byte to `byte`.
        let read =
            unsafe { libc::recv(self.descriptor, ptr::from_mut(&mut byte).cast(), 1, flags) };
        read < 0 && Errno::last() == Errno(libc::EAGAIN)
    }

    /// The descriptor, for a crash report that ends a streamed response without owning the socket.
    pub fn descriptor(&self) -> c_int {
        self.descriptor
    }

    /// Borrows a descriptor that stays open until the process ends.
    pub(crate) fn borrow_raw(descriptor: c_int) -> core::mem::ManuallyDrop<Socket> {
        core::mem::ManuallyDrop::new(Socket { descriptor, has_nodelay: Cell::new(true) })
    }

    /// Waits until the socket is readable, and returns false on a timeout. For reports alone: an
    /// ordinary request has no timeout.
    pub fn wait_readable(&self, milliseconds: c_int) -> bool {
        let mut poll = libc::pollfd { fd: self.descriptor, events: libc::POLLIN, revents: 0 };
        // SAFETY: one structure, on this stack frame.
        unsafe { libc::poll(&raw mut poll, 1, milliseconds) > 0 }
    }

    fn send_some(&self, parts: [&[u8]; 4]) -> Result<usize, Errno> {
        // Without it, SIGPIPE would end the process when the server has closed the connection.
        const FLAGS: c_int = libc::MSG_NOSIGNAL;
        if let [part, [], [], []] = parts {
            let (from, size) = (part.as_ptr().cast(), part.len());
            // SAFETY: the kernel reads `size` bytes from `from`.
            return retry_eintr(|| unsafe { libc::send(self.descriptor, from, size, FLAGS) });
        }
        let mut parts = parts.map(|part| libc::iovec {
            iov_base: part.as_ptr().cast_mut().cast(),
            iov_len: part.len(),
        });
        // SAFETY: zeros are an empty message header.
        let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
        message.msg_iov = parts.as_mut_ptr();
        message.msg_iovlen = parts.len() as _;
        // SAFETY: the kernel reads `parts`, which borrow the caller's.
        retry_eintr(|| unsafe { libc::sendmsg(self.descriptor, &raw const message, FLAGS) })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        close(self.descriptor);
    }
}
