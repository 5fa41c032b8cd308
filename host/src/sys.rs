//! Safe functions for system calls. ([`crate::map`] alone maps memory, and
//! [`crate::file`] reads files.)

use alloc::vec::Vec;
use core::cell::Cell;
use core::ffi::CStr;
use core::ffi::c_char;
use core::ffi::c_int;
use core::ffi::c_void;
use core::net::SocketAddr;
use core::ptr;
use core::sync::atomic::AtomicU32;

/// The error number of the last system call that failed.
pub fn errno() -> i32 {
    // SAFETY: the call has no argument.
    let location = unsafe { libc::__errno_location() };
    // SAFETY: libc returns the location of the calling thread's error number.
    unsafe { *location }
}

/// Sets the calling thread's error number, as failing C functions do.
pub fn set_errno(number: i32) {
    // SAFETY: the call has no argument.
    let location = unsafe { libc::__errno_location() };
    // SAFETY: libc returns the location of the calling thread's error number.
    unsafe { *location = number };
}

/// Sleeps; a signal may end it early.
pub fn pause(milliseconds: u32) {
    // SAFETY: the list of descriptors is empty.
    unsafe { libc::poll(ptr::null_mut(), 0, milliseconds.cast_signed()) };
}

/// Blocks the calling thread until the process ends.
pub fn park() -> ! {
    loop {
        pause(u32::MAX);
    }
}

/// Sleeps while `word` is `value`, until [`wake`] or the timeout. It may return early.
pub fn wait(word: &AtomicU32, value: u32, milliseconds: Option<u64>) {
    let time = milliseconds.map(|milliseconds| libc::timespec {
        tv_sec: (milliseconds / 1000).cast_signed(),
        tv_nsec: (milliseconds % 1000 * 1_000_000).cast_signed(),
    });
    let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
    let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word and the time outlive the call.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, value, time) };
}

/// Wakes every thread that waits on `word`.
pub fn wake(word: &AtomicU32) {
    let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the kernel uses only the address.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, i32::MAX) };
}

/// The folder of the running executable, with a trailing slash. Without `/proc`, it is the folder
/// in the path that `execve` was given.
pub fn executable_folder() -> Vec<u8> {
    let mut path: Vec<u8> = Vec::with_capacity(4096);
    let room = path.capacity();
    // SAFETY: the kernel writes at most `room` bytes to the vector's spare capacity.
    let size =
        unsafe { libc::readlink(c"/proc/self/exe".as_ptr(), path.as_mut_ptr().cast(), room) };
    match usize::try_from(size) {
        // SAFETY: the kernel wrote `size` bytes.
        Ok(size) => unsafe { path.set_len(size) },
        Err(_) => path.extend_from_slice(started_path()),
    }
    let folder = path.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    path.truncate(folder);
    // The next allocation then reuses a page that is already mapped.
    path.shrink_to_fit();
    path
}

/// The path that `execve` was given.
fn started_path() -> &'static [u8] {
    // SAFETY: reads the auxiliary vector, which the kernel put on the stack.
    let path = unsafe { libc::getauxval(libc::AT_EXECFN) };
    let path: *const c_char = ptr::with_exposed_provenance(usize::try_from(path).unwrap_or(0));
    if path.is_null() {
        return b"";
    }
    // SAFETY: a string that the kernel put on the stack; it never changes.
    let path: &'static CStr = unsafe { CStr::from_ptr(path) };
    path.to_bytes()
}

/// Takes ownership of a descriptor that a system call returned; Err is the error number. The
/// runtime never uses the numbers of the standard streams, because output of the handler would
/// reach the descriptor: if a closed stream had freed one, the descriptor moves, and `/dev/null`
/// takes its place.
pub fn own_descriptor(descriptor: c_int) -> Result<c_int, i32> {
    if descriptor < 0 {
        return Err(errno());
    }
    if descriptor > libc::STDERR_FILENO {
        return Ok(descriptor);
    }
    // SAFETY: the call has no pointer.
    let moved = unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, libc::STDERR_FILENO + 1) };
    let moved = if moved < 0 { Err(errno()) } else { Ok(moved) };
    close(descriptor);
    loop {
        // SAFETY: the path ends with NUL.
        let null = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) };
        if null > libc::STDERR_FILENO {
            close(null);
        }
        if !(0..=libc::STDERR_FILENO).contains(&null) {
            return moved;
        }
    }
}

/// Closes a descriptor that the caller owns.
pub fn close(descriptor: c_int) {
    // SAFETY: the call has no pointer.
    unsafe { libc::close(descriptor) };
}

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
    /// Connects to `address`; Err is the error number.
    pub fn connect(address: &SocketAddr) -> Result<Socket, i32> {
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

    fn connect_to<A>(family: c_int, address: &A) -> Result<Socket, i32> {
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
        // SAFETY: the call has no pointer.
        let descriptor = own_descriptor(unsafe { libc::socket(family, kind, 0) })?;
        let socket = Socket { descriptor, has_nodelay: Cell::new(false) };
        let size = socket_size::<A>();
        // SAFETY: `A` is the socket address of `family`, and `size` is its size.
        if unsafe { libc::connect(descriptor, ptr::from_ref(address).cast(), size) } != 0 {
            return Err(errno());
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
    pub fn receive(&self, buffer: &mut Vec<u8>) -> Result<usize, i32> {
        let spare = buffer.spare_capacity_mut();
        let (to, room) = (spare.as_mut_ptr().cast(), spare.len());
        // SAFETY: the kernel writes at most `room` bytes to `to`.
        let read = retry_eintr(|| unsafe { libc::recv(self.descriptor, to, room, 0) })?;
        // SAFETY: the kernel has just written `read` bytes after the buffer's length.
        unsafe { buffer.set_len(buffer.len() + read) };
        Ok(read)
    }

    /// Sends all parts, in one system call if the kernel accepts them at once.
    pub fn send(&self, mut parts: [&[u8]; 4]) -> Result<(), i32> {
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
        read < 0 && errno() == libc::EAGAIN
    }

    /// The descriptor, for a crash report that ends a streamed response without owning the socket.
    pub fn descriptor(&self) -> c_int {
        self.descriptor
    }

    /// Borrows a descriptor that stays open until the process ends.
    pub fn borrow_raw(descriptor: c_int) -> core::mem::ManuallyDrop<Socket> {
        core::mem::ManuallyDrop::new(Socket { descriptor, has_nodelay: Cell::new(true) })
    }

    /// Waits until the socket is readable, and returns false on a timeout. For reports alone: an
    /// ordinary request has no timeout.
    pub fn wait_readable(&self, milliseconds: c_int) -> bool {
        let mut poll = libc::pollfd { fd: self.descriptor, events: libc::POLLIN, revents: 0 };
        // SAFETY: one structure, on this stack frame.
        unsafe { libc::poll(&raw mut poll, 1, milliseconds) > 0 }
    }

    fn send_some(&self, parts: [&[u8]; 4]) -> Result<usize, i32> {
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

/// Repeats a system call that a signal interrupted; returns its byte count, or the error number.
pub fn retry_eintr(call: impl Fn() -> isize) -> Result<usize, i32> {
    loop {
        match usize::try_from(call()) {
            Ok(count) => return Ok(count),
            Err(_) if errno() == libc::EINTR => {}
            Err(_) => return Err(errno()),
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        close(self.descriptor);
    }
}

unsafe extern "C" {
    /// In the executable, the function that handlers get ([`crate::libc`]).
    #[cfg_attr(feature = "static", link_name = "pilotlight_lazy_getaddrinfo")]
    fn getaddrinfo(
        host: *const c_char,
        service: *const c_char,
        hints: *const libc::addrinfo,
        list: *mut *mut libc::addrinfo,
    ) -> c_int;
    fn inet_pton(family: c_int, text: *const c_char, address: *mut c_void) -> c_int;
}

/// Parses a numeric address; None for a name. (With the C library's function, which is linked
/// anyway.)
pub fn numeric_address(host: &CStr, port: u16) -> Option<SocketAddr> {
    let mut v4 = [0u8; 4];
    // SAFETY: `host` ends with NUL, and `v4` holds an IPv4 address.
    if unsafe { inet_pton(libc::AF_INET, host.as_ptr(), v4.as_mut_ptr().cast()) } == 1 {
        return Some(SocketAddr::from((v4, port)));
    }
    let mut v6 = [0u8; 16];
    // SAFETY: `host` ends with NUL, and `v6` holds an IPv6 address.
    let is_v6 = unsafe { inet_pton(libc::AF_INET6, host.as_ptr(), v6.as_mut_ptr().cast()) };
    (is_v6 == 1).then(|| SocketAddr::from((v6, port)))
}

/// Resolves a host name with the system's resolver; empty if that fails.
pub fn resolve(host: &CStr, port: u16) -> Vec<SocketAddr> {
    // SAFETY: zeros are hints without restrictions.
    let mut hints: libc::addrinfo = unsafe { core::mem::zeroed() };
    hints.ai_socktype = libc::SOCK_STREAM;
    let mut list = ptr::null_mut();
    // SAFETY: `host` ends with NUL, and `list` receives the result; it stays null on failure.
    unsafe { getaddrinfo(host.as_ptr(), ptr::null(), &raw const hints, &raw mut list) };
    let mut addresses = Vec::new();
    let mut next: *const libc::addrinfo = list;
    // SAFETY: null, or an entry of the list, which is freed below.
    while let Some(entry) = unsafe { next.as_ref() } {
        next = entry.ai_next;
        addresses.push(match entry.ai_family {
            libc::AF_INET => {
                // SAFETY: an entry of this family holds an IPv4 socket address.
                let found = unsafe { *entry.ai_addr.cast::<libc::sockaddr_in>() };
                SocketAddr::from((found.sin_addr.s_addr.to_ne_bytes(), port))
            }
            libc::AF_INET6 => {
                // SAFETY: an entry of this family holds an IPv6 socket address.
                let found = unsafe { *entry.ai_addr.cast::<libc::sockaddr_in6>() };
                SocketAddr::from((found.sin6_addr.s6_addr, port))
            }
            _ => continue,
        });
    }
    if !list.is_null() {
        // SAFETY: `list` came from getaddrinfo and is not used again.
        unsafe { libc::freeaddrinfo(list) };
    }
    addresses
}

/// The time since the Unix epoch: seconds, and milliseconds of the second.
pub fn now() -> (u64, u32) {
    let (seconds, nanoseconds) = since_epoch(libc::CLOCK_REALTIME);
    (seconds, nanoseconds / 1_000_000)
}

/// The time since the Unix epoch in nanoseconds.
pub fn nanoseconds() -> u64 {
    let (seconds, nanoseconds) = since_epoch(libc::CLOCK_REALTIME);
    seconds * 1_000_000_000 + u64::from(nanoseconds)
}

/// The time since the Unix epoch in milliseconds at the kernel's last tick: a few milliseconds old,
/// but cheap to read.
pub fn coarse_milliseconds() -> u64 {
    let (seconds, nanoseconds) = since_epoch(libc::CLOCK_REALTIME_COARSE);
    seconds * 1000 + u64::from(nanoseconds / 1_000_000)
}

fn since_epoch(clock: libc::clockid_t) -> (u64, u32) {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec. The call cannot fail for these clocks.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    (u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The time since the Unix epoch in milliseconds. No system call where the vDSO has the clock.
pub fn now_ms() -> u64 {
    let (seconds, milliseconds) = now();
    seconds * 1000 + u64::from(milliseconds)
}

/// Writes a line to standard error, ignoring errors.
pub fn log(line: &[u8]) {
    // SAFETY: the kernel reads `line.len()` bytes from `line`.
    unsafe { libc::write(2, line.as_ptr().cast(), line.len()) };
}

/// Ends the process through the C library, which runs exit handlers and flushes streams.
pub fn exit(code: i32) -> ! {
    // SAFETY: the call has no pointer; the caller ends the process on purpose.
    unsafe { libc::exit(code) }
}
