//! The Runtime API of one execution environment: a server on a port of its own, on loopback.
//!
//! One thread a connection, blocking: what is measured is not mixed with a scheduler's work.
//! Source: "Using the Lambda runtime API" in AWS's documentation, and AWS's own emulator where that
//! is silent.

mod http;
mod session;

use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

pub use self::session::Ended;
pub use self::session::Invocation;
pub use self::session::MOST_RESPONSE;
pub use self::session::Outcome;
pub use self::session::Session;

use self::http::Answer;
use self::http::Connection;
use self::http::Request;
use self::session::Refusal;

const PREFIX: &str = "/2018-06-01/runtime/";
/// Threads that wait for connections: a runtime needs one, a misbehaving one a few.
const LISTENERS: usize = 4;

/// The server, until it is dropped.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    shared: Arc<Shared>,
    listeners: Vec<JoinHandle<()>>,
}

/// What the server's threads and its owner share.
#[derive(Debug, Default)]
pub struct Shared {
    session: Mutex<Session>,
    changed: Condvar,
    /// Whoever accepts a connection is to end instead.
    stopping: AtomicBool,
}

impl Shared {
    /// The session; a thread that panicked has left it as it was.
    pub fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the session, and has everybody look at it again.
    pub fn change(&self, change: impl FnOnce(&mut Session)) {
        change(&mut self.session());
        self.changed.notify_all();
    }

    /// Waits until `condition` has something to return, or the time is up.
    pub fn wait_for<T>(
        &self,
        limit: Duration,
        mut condition: impl FnMut(&mut Session) -> Option<T>,
    ) -> Option<T> {
        let end = Instant::now().checked_add(limit);
        let mut session = self.session();
        loop {
            if let Some(found) = condition(&mut session) {
                return Some(found);
            }
            // A limit too far to be added to the clock is none.
            let left =
                end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return None;
            }
            let waited = self.changed.wait_timeout(session, left);
            session = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl RuntimeApi {
    /// Starts a server on a free port of 127.0.0.1.
    pub fn start() -> io::Result<RuntimeApi> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let mut listeners = Vec::new();
        for _ in 0..LISTENERS {
            let listener = listener.try_clone()?;
            let shared = Arc::clone(&shared);
            listeners.push(thread::spawn(move || listen(&listener, &shared)));
        }
        Ok(RuntimeApi { address, shared, listeners })
    }

    /// Where it listens; `AWS_LAMBDA_RUNTIME_API` is this address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The session that it serves.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.change(|session| session.closed = true);
        for _ in 0..self.listeners.len() {
            // Wakes a thread that waits for a connection; one that serves will not need it.
            drop(TcpStream::connect(self.address));
        }
        for listener in self.listeners.drain(..) {
            // A thread that panicked has printed why.
            let _ = listener.join();
        }
    }
}

fn listen(listener: &TcpListener, shared: &Shared) {
    while let Ok((stream, _)) = listener.accept() {
        if shared.stopping.load(Ordering::Acquire) {
            return;
        }
        shared.session().connections += 1;
        // A connection that breaks is the runtime's affair: it will try again, or end.
        let _ = serve(stream, shared);
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut connection = Connection::new(stream)?;
    while let Some(request) = connection.read()? {
        let answer = respond(request, shared);
        connection.write(&answer)?;
    }
    Ok(())
}

/// The API on one page.
fn respond(request: Request, shared: &Shared) -> Answer {
    shared.session().requests += 1;
    let path = request.path.strip_prefix(PREFIX).unwrap_or_default().to_owned();
    let parts: Vec<&str> = path.split('/').collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["invocation", "next"]) => next(&request, shared),
        ("POST", ["invocation", id, "response"]) => {
            let received = Instant::now();
            post(shared, |session| session.answer(id, received, Outcome::Response(request.body)))
        }
        ("POST", ["invocation", id, "error"]) => {
            let received = Instant::now();
            post(shared, |session| session.answer(id, received, error(request)))
        }
        ("POST", ["init", "error"]) => post(shared, |session| session.fail_init(error(request))),
        (
            _,
            ["invocation", "next"] | ["invocation", _, "response" | "error"] | ["init", "error"],
        ) => Answer { status: 405, ..Answer::default() },
        _ => Answer { status: 404, body: b"404 page not found\n".to_vec(), ..Answer::default() },
    }
}

fn next(request: &Request, shared: &Shared) -> Answer {
    let begun = shared.session().begin_next(request.received);
    shared.change(|_| {});
    if let Err(refusal) = begun {
        return refused(&refusal);
    }
    let delivered = shared.wait_for(Duration::MAX, |session| match session.deliver() {
        Some(invocation) => Some(Some(invocation)),
        None => session.closed.then_some(None),
    });
    match delivered.flatten() {
        Some(invocation) => deliver(invocation),
        None => Answer { status: 410, ..Answer::default() },
    }
}

fn deliver(invocation: Invocation) -> Answer {
    let mut headers = vec![
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("Lambda-Runtime-Aws-Request-Id".to_owned(), invocation.request_id),
    ];
    headers.extend(invocation.headers);
    Answer { status: 200, headers, body: invocation.event }
}

fn post(shared: &Shared, change: impl FnOnce(&mut Session) -> Result<(), Refusal>) -> Answer {
    let mut result = Ok(());
    shared.change(|session| result = change(session));
    match result {
        Ok(()) => json(202, "{\"status\":\"OK\"}\n".into()),
        Err(refusal) => refused(&refusal),
    }
}

fn error(request: Request) -> Outcome {
    let error_type = request.text("Lambda-Runtime-Function-Error-Type").map(str::to_owned);
    Outcome::Error { body: request.body, error_type }
}

fn refused(refusal: &Refusal) -> Answer {
    let Refusal { status, error_type, message } = refusal;
    let body = serde_json::json!({ "errorMessage": message, "errorType": error_type });
    json(*status, format!("{body}\n"))
}

fn json(status: u16, body: String) -> Answer {
    let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    Answer { status, headers, body: body.into_bytes() }
}
