//! The HTTP server for clients: hyper on tokio, with a limit for everything that a client can leave
//! unfinished.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::runtime::Handle;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::lambda;
use crate::lambda::Lambda;
use crate::threads::WORKER_STACK;

/// The number of threads that read requests and write responses.
const WORKERS: usize = 2;
/// Limit for the connections that wait to be accepted. The kernel lowers it to
/// `net.core.somaxconn`.
const BACKLOG: u32 = 4096;
/// Limit for the request line with all headers, in bytes: Lambda's own limit.
const MAX_HEAD: usize = 1 << 20;
/// Limit for receiving a request's head, and for a connection without a request.
const HEAD_LIMIT: Duration = Duration::from_secs(20);
/// Limit for a client that does not read.
const UNREAD_LIMIT: Duration = Duration::from_secs(60);
/// Limit for finishing the current responses at shutdown.
const END_LIMIT: Duration = Duration::from_secs(2);
/// Pause after an error of `accept`, for example when no file descriptors are left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// A server; it runs until it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    runtime: Option<Runtime>,
    listener: Option<TcpListener>,
    accepting: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Server {
    /// Binds the address; connections wait until [`Server::serve`].
    pub fn listen(address: SocketAddr) -> io::Result<Server> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .max_blocking_threads(lambda::CONCURRENCY)
            .thread_stack_size(WORKER_STACK)
            .enable_io()
            .enable_time()
            .build()?;
        let listener = {
            let _inside = runtime.enter();
            let socket = match address {
                SocketAddr::V4(_) => TcpSocket::new_v4()?,
                SocketAddr::V6(_) => TcpSocket::new_v6()?,
            };
            // Closed connections of a previous server must not block the address.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            socket.listen(BACKLOG)?
        };
        let address = listener.local_addr()?;
        let listener = Some(listener);
        Ok(Server { address, runtime: Some(runtime), listener, accepting: None })
    }

    /// The address with the actual port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The runtime's handle, which runs tasks and threads until the server is dropped.
    pub fn handle(&self) -> Handle {
        self.runtime.as_ref().expect("there until the end").handle().clone()
    }

    /// Serves requests, on at most `connections` connections at once.
    pub fn serve(&mut self, lambda: Arc<Lambda>, connections: usize) {
        let Some(listener) = self.listener.take() else { return };
        let (end, ended) = oneshot::channel();
        let task = self.handle().spawn(accept(listener, lambda, connections, ended));
        self.accepting = Some((end, task));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        if let Some((end, task)) = self.accepting.take() {
            // It fails only if the task has panicked, which has printed a message.
            let _ = end.send(());
            let _ = runtime.block_on(task);
        }
        runtime.shutdown_timeout(END_LIMIT);
    }
}

/// Accepts connections until `ended` is signalled, and then waits for the current responses.
async fn accept(
    listener: TcpListener,
    lambda: Arc<Lambda>,
    connections: usize,
    mut ended: oneshot::Receiver<()>,
) {
    let free = Arc::new(Semaphore::new(connections));
    let graceful = GracefulShutdown::new();
    loop {
        let next = async {
            // The semaphore is never closed.
            let permit = Arc::clone(&free).acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            _ = &mut ended => break,
        };
        let Ok((stream, client)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        if prepare(&stream).is_err() {
            continue;
        }
        let lambda = Arc::clone(&lambda);
        let service = service_fn(move |request| {
            let lambda = Arc::clone(&lambda);
            async move { Ok::<_, Infallible>(lambda.respond(request, client.ip()).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_LIMIT)
            .max_buf_size(MAX_HEAD)
            // A client may close its sending side and still wait for the response.
            .half_close(true)
            // As the service does; some clients depend on the case.
            .title_case_headers(true)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // If the connection breaks, the client notices it itself.
            let _ = connection.await;
            drop(permit);
        });
    }
    drop(listener);
    // Clients that do not read their responses in time lose them.
    let _ = tokio::time::timeout(END_LIMIT, graceful.shutdown()).await;
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let limit = u32::try_from(UNREAD_LIMIT.as_millis()).unwrap_or(u32::MAX);
    // The kernel closes the connection of a client that does not read.
    Ok(rustix::net::sockopt::set_tcp_user_timeout(stream, limit)?)
}
