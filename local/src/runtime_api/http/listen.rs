//! Threads that wait for connections: as many as are needed at once, and one more.

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

/// A listening socket with its threads, until it is dropped.
///
/// Each thread accepts a connection and serves it to its end. The one that leaves none waiting
/// starts another first, so that a connection never pays for a thread's start unless all are busy.
pub struct Listener {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    socket: TcpListener,
    serve: Box<dyn Fn(Connection) + Send + Sync>,
    /// How many threads wait at most, once they have been needed.
    max_waiting: usize,
    workers: Mutex<Workers>,
}

#[derive(Default)]
struct Workers {
    waiting: usize,
    stopping: bool,
    last: u64,
    /// Streams that are being served, so that they can be ended.
    serving: HashMap<u64, Arc<TcpStream>>,
    threads: Vec<JoinHandle<()>>,
}

impl Listener {
    /// Serves what connects, with so many threads from the beginning.
    pub fn start(
        socket: TcpListener,
        threads: usize,
        serve: impl Fn(Connection) + Send + Sync + 'static,
    ) -> io::Result<Listener> {
        let address = socket.local_addr()?;
        arrival::note(&socket)?;
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

    /// Where it listens.
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
                // One that is closed already has ended by itself.
                let _ = stream.shutdown(Shutdown::Both);
            }
            std::mem::take(&mut workers.threads)
        };
        // Wakes those that wait for a connection.
        let _ = rustix::net::shutdown(&self.shared.socket, rustix::net::Shutdown::Both);
        for thread in threads {
            // A thread that panicked has printed why.
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
        let thread = thread::Builder::new().stack_size(512 << 10).spawn(move || shared.work())?;
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
                // No descriptors are left: those that are served will give some back.
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

    /// None when the thread is to end.
    fn begin(self: &Arc<Self>, stream: &Arc<TcpStream>) -> Option<u64> {
        let mut workers = self.workers();
        workers.waiting -= 1;
        if workers.stopping {
            return None;
        }
        if workers.waiting == 0 {
            // Without another thread, connections wait until one of the others is free.
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
