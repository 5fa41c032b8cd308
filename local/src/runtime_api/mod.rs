//! The Runtime API of one execution environment: a server on its own loopback port.
//!
//! Source: "Using the Lambda runtime API" in AWS's documentation, and AWS's own emulator for
//! details that the documentation leaves open.

mod extensions;
mod http;
mod invocation;
mod response;
mod session;

use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;
use std::time::Instant;

pub use self::invocation::Ended;
pub use self::invocation::Invocation;
pub use self::invocation::Outcome;
pub use self::invocation::Piece;
pub use self::response::MAX_RESPONSE;
pub use self::session::Session;

use self::http::Answer;
use self::http::Body;
use self::http::Connection;
use self::http::Head;
use self::http::Listener;
use self::http::json;
use self::invocation::ApiError;
use crate::host;
use crate::identifiers;
use crate::sync::lock;
use crate::sync::unpoisoned;

const PREFIX: &str = "/2018-06-01/runtime/";
const RESTORE_NEXT: &str = "/2018-06-01/runtime/restore/next";
/// Limit for a posted error, in bytes; far above a runtime's errors.
const MAX_ERROR: usize = 8 << 20;

/// The server; it runs until it is dropped.
#[derive(Debug)]
pub struct RuntimeApi {
    shared: Arc<Shared>,
    listener: Listener,
}

/// The state that the server's threads and its owner share.
#[derive(Debug)]
pub struct Shared {
    session: Mutex<Session>,
    changed: Condvar,
    metadata_token: String,
}

impl Shared {
    fn new(concurrency: usize) -> Shared {
        Shared {
            session: Mutex::new(Session::new(concurrency)),
            changed: Condvar::new(),
            metadata_token: identifiers::uuid(),
        }
    }

    /// The token that the metadata endpoint expects, the value of `AWS_LAMBDA_METADATA_TOKEN`.
    pub fn metadata_token(&self) -> &str {
        &self.metadata_token
    }

    /// Locks the session.
    pub fn session(&self) -> MutexGuard<'_, Session> {
        lock(&self.session)
    }

    /// Changes the session, and wakes all threads in [`Shared::wait_for`].
    pub fn change<T>(&self, change: impl FnOnce(&mut Session) -> T) -> T {
        let result = change(&mut self.session());
        self.changed.notify_all();
        result
    }

    /// Waits until `condition` returns a value; `None` after `limit`.
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
            // A limit too large to be added to the clock means no limit.
            let left =
                end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return None;
            }
            let waited = self.changed.wait_timeout(session, left);
            session = unpoisoned(waited).0;
        }
    }
}

impl RuntimeApi {
    /// Starts a server on a free port of 127.0.0.1, for a runtime with `concurrency` workers.
    pub fn start(concurrency: usize) -> io::Result<RuntimeApi> {
        let socket = TcpListener::bind("127.0.0.1:0")?;
        let shared = Arc::new(Shared::new(concurrency));
        let serving = Arc::clone(&shared);
        // A thread for each worker, one for an extension, and one that waits for connections.
        let listener = Listener::start(socket, concurrency + 2, move |connection| {
            serving.session().count_connection();
            // If a connection breaks, the runtime reconnects or ends.
            let _ = serve(connection, &serving);
        })?;
        Ok(RuntimeApi { shared, listener })
    }

    /// The server's address, the value of `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The shared state.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        // Ends the requests that wait in `/next`, so that the listener can join its threads.
        self.shared.change(Session::close);
    }
}

fn serve(mut connection: Connection, shared: &Shared) -> io::Result<()> {
    while let Some(head) = connection.read_head()? {
        shared.session().count_request();
        if let Err(error) = refuse_browsers(&head) {
            // The body is not read, so the connection cannot be used again.
            return connection.write(&error.answer());
        }
        let answered = respond(&head, &mut connection, shared)?;
        connection.write(&answered.unwrap_or_else(|error| error.answer()))?;
        if head.path() == RESTORE_NEXT {
            // Connections do not survive a snapshot.
            return Ok(());
        }
    }
    Ok(())
}

/// Refuses requests of web pages, which can reach any port of this machine and could read or answer
/// events. A page's request has an `Origin`, or a `Host` that a DNS server resolves to this
/// machine; a runtime's has neither.
fn refuse_browsers(head: &Head) -> Result<(), ApiError> {
    let by_page = head.header("origin").is_some() || head.header("sec-fetch-site").is_some();
    if by_page || head.header("host").is_some_and(|host| !host::is_of_this_machine(host)) {
        let message = "the Runtime API is for runtimes on this machine, not for web pages";
        return Err(ApiError::new(403, "AccessDenied", message));
    }
    Ok(())
}

/// Dispatches by method and path.
fn respond(
    head: &Head,
    connection: &mut Connection,
    shared: &Shared,
) -> io::Result<Result<Answer, ApiError>> {
    let path = head.path().strip_prefix(PREFIX).unwrap_or_default();
    let parts: Vec<&str> = path.split('/').collect();
    Ok(match (head.method.as_str(), parts.as_slice()) {
        ("GET", ["invocation", "next"]) => next(head, shared),
        ("POST", ["invocation", id, "response"]) => response::take(head, id, connection, shared)?,
        ("POST", ["invocation", id, "error"]) => {
            let error = read_error(head, connection)?;
            let ended = shared.change(|session| {
                drop(session.begin_answer(id, head.header(response::ATTEMPT_ID))?);
                session.end_answer(id, connection.arrived(), error, None)
            });
            ended.map(|()| accepted())
        }
        ("POST", ["init", "error"]) => {
            let error = read_error(head, connection)?;
            let failed = shared.change(|session| session.fail_init(error));
            failed.map(|()| accepted())
        }
        ("GET", ["restore", "next"]) if shared.session().takes_snapshot() => {
            let restored = shared.change(|session| session.restore(head.received));
            restored.map(|()| Answer { status: 200, ..Answer::default() })
        }
        ("POST", ["restore", "error"]) if shared.session().takes_snapshot() => {
            let error = read_error(head, connection)?;
            let now = connection.arrived();
            shared.change(|session| session.fail_restore(now, error)).map(|()| accepted())
        }
        (
            _,
            ["invocation", "next"] | ["invocation", _, "response" | "error"] | ["init", "error"],
        ) => Ok(Answer { status: 405, ..Answer::default() }),
        _ => match extensions::respond(head, connection, shared)? {
            Some(answer) => answer,
            None => Ok(Answer {
                status: 404,
                body: b"404 page not found\n".to_vec(),
                ..Answer::default()
            }),
        },
    })
}

fn next(head: &Head, shared: &Shared) -> Result<Answer, ApiError> {
    shared.change(|session| session.begin_next(head.received))?;
    let delivered = shared.wait_for(Duration::MAX, |session| match session.deliver() {
        Some(invocation) => Some(Some(invocation)),
        None => session.is_closed().then_some(None),
    });
    Ok(match delivered.flatten() {
        Some(invocation) => deliver(&invocation),
        None => Answer { status: 410, ..Answer::default() },
    })
}

fn deliver(invocation: &Invocation) -> Answer {
    let mut answer = json(200, invocation.event.as_slice())
        .with("Lambda-Runtime-Aws-Request-Id", &invocation.request_id);
    if !invocation.attempt_id.is_empty() {
        answer = answer.with(response::ATTEMPT_ID, &invocation.attempt_id);
    }
    answer.headers.extend(invocation.headers.iter().cloned());
    answer
}

fn accepted() -> Answer {
    json(202, "{\"status\":\"OK\"}\n")
}

fn read_error(head: &Head, connection: &mut Connection) -> io::Result<Outcome> {
    let body = Body::of(head, connection)?.whole(connection, MAX_ERROR)?;
    let error_type = head.header("Lambda-Runtime-Function-Error-Type").map(str::to_owned);
    let too_long = || io::Error::new(io::ErrorKind::InvalidData, "an error above 8 MiB");
    Ok(Outcome::Error { body: body.ok_or_else(too_long)?, error_type })
}
