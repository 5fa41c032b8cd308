//! A listening socket with a pool of threads: one for each connection, and one more that waits.

use std::collections::HashMap;
use std::io;
use std::net::Shutdown;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::thread;
use std::thread::JoinHandle;

use super::Connection;
use super::arrival;

use crate::sync::lock;
use crate::threads::WORKER_STACK;

/// A listening socket with its threads; dropping it ends them.
///
/// Each thread accepts a connection and serves it to its end. A thread that would leave no other
/// one waiting starts another first, so that a connection waits for a thread's start only if all
/// are busy.
pub struct Listener {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    socket: TcpListener,
    serve: Box<dyn Fn(Connection) + Send + Sync>,
    /// Limit for the waiting threads; further ones end after their connection.
    max_waiting: usize,
    workers: Mutex<Workers>,
}

#[derive(Default)]
struct Workers {
    waiting: usize,
    stopping: bool,
    last: u64,
    /// The streams that are being served, so that they can be shut down.
    serving: HashMap<u64, Arc<TcpStream>>,
    threads: Vec<JoinHandle<()>>,
}

impl Listener {
    /// Serves connections, with `threads` threads from the beginning.
    pub fn start(
        socket: TcpListener,
        threads: usize,
        serve: impl Fn(Connection) + Send + Sync + 'static,
    ) -> io::Result<Listener> {
        let address = socket.local_addr()?;
        arrival::enable_timestamps(&socket)?;
        let shared = Arc::new(Shared {
            socket,
            serve: Box::new(serve),
            max_waiting: threads.max(32),
            workers: Mutex::default(),
        });
        // Dropping it ends the threads that could be started.
        let listener = Listener { address, shared };
        for _ in 0..threads.max(1) {
            listener.shared.add_thread(&mut listener.shared.workers())?;
        }
        Ok(listener)
    }

    /// The socket's address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let threads = {
            let mut workers = self.shared.workers();
            workers.stopping = true;
            for stream in workers.serving.values() {
                // It fails if the client has closed the connection already.
                let _ = stream.shutdown(Shutdown::Both);
            }
            std::mem::take(&mut workers.threads)
        };
        // Wakes the threads that wait for a connection.
        let _ = rustix::net::shutdown(&self.shared.socket, rustix::net::Shutdown::Both);
        for thread in threads {
            // A thread that panicked has printed its message.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn workers(&self) -> MutexGuard<'_, Workers> {
        lock(&self.workers)
    }

    fn add_thread(self: &Arc<Self>, workers: &mut Workers) -> io::Result<()> {
        let shared = Arc::clone(self);
        let thread =
            thread::Builder::new().stack_size(WORKER_STACK).spawn(move || shared.work())?;
        workers.waiting += 1;
        workers.threads.retain(|thread| !thread.is_finished());
        workers.threads.push(thread);
        Ok(())
    }

    fn work(self: Arc<Self>) {
        loop {
            let Ok((stream, _)) = self.socket.accept() else {
                if self.workers().stopping {
                    return;
                }
                // Out of file descriptors: wait until other connections are closed.
                thread::sleep(std::time::Duration::from_millis(10));
                continue;
            };
            let stream = Arc::new(stream);
            let Some(number) = self.begin(&stream) else { return };
            if let Ok(connection) = Connection::new(stream) {
                (self.serve)(connection);
            }
            let mut workers = self.workers();
            workers.serving.remove(&number);
            if workers.stopping || workers.waiting >= self.max_waiting {
                return;
            }
            workers.waiting += 1;
        }
    }

    /// Registers a stream; `None` if the thread must end.
    fn begin(self: &Arc<Self>, stream: &Arc<TcpStream>) -> Option<u64> {
        let mut workers = self.workers();
        workers.waiting -= 1;
        if workers.stopping {
            return None;
        }
        if workers.waiting == 0 {
            // If no thread can be started, connections wait until one is free.
            let _ = self.add_thread(&mut workers);
        }
        workers.last += 1;
        let number = workers.last;
        workers.serving.insert(number, Arc::clone(stream));
        Some(number)
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("address", &self.address).finish_non_exhaustive()
    }
}
