//! A process that ends while its other workers are answering: each invocation is told so, or has
//! its answer.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;

use crate::support;
use crate::support::script::here;

/// The invocations that a Runtime API has handed out, and the posts that it got for each.
#[derive(Debug, Default)]
struct Platform {
    /// By request id: the ends of the posts to it, `response` or `error`.
    invocations: BTreeMap<usize, Vec<String>>,
    /// The process has said that it ends: nothing is handed out any more.
    is_ended: bool,
}

/// A request's line and body; None where the connection has ended, even in the middle.
fn read_request(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line: &String| line != "\r\n") {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|_| line.ends_with("\r\n"))?;
        lines.push(line);
    }
    let length = lines.iter().find_map(|line| line.strip_prefix("Content-Length: "));
    let length: usize = length.map_or(0, |length| length.trim().parse().expect("a number"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(lines.swap_remove(0))
}

/// Serves one connection of the process's; the hundredth invocation has the event `last`.
fn serve(connection: TcpStream, platform: &Mutex<Platform>, last: &str) {
    connection.set_nodelay(true).expect("a socket");
    let mut stream = BufReader::new(connection);
    while let Some(line) = read_request(&mut stream) {
        // Handing an invocation out and hearing of the end exclude each other.
        let mut platform = platform.lock().expect("no panic");
        let answer = if line.starts_with("GET ") {
            if platform.is_ended {
                continue;
            }
            let id = platform.invocations.len();
            platform.invocations.insert(id, Vec::new());
            let event = if id == 100 { last } else { "\"large\"" };
            let length = event.len();
            format!(
                "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: {id}\r\nContent-Length: {length}\r\n\r\n{event}"
            )
        } else {
            let mut parts = line.split([' ', '/']).skip(5);
            let id: usize = parts.next().and_then(|id| id.parse().ok()).expect("a request id");
            let end = parts.next().expect("what it ends with").to_owned();
            platform.is_ended |= end == "error";
            platform.invocations.get_mut(&id).expect("handed out").push(end);
            "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".to_owned()
        };
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// The posts for each invocation when the hundredth has this event, and the exit code.
fn told(library: &Path, event: &str) -> (BTreeMap<usize, Vec<String>>, Option<i32>) {
    let function = support::function(library, None);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut child = function
        .command()
        .env_clear()
        .envs(function.environment(&here(address.port())))
        .env("AWS_LAMBDA_MAX_CONCURRENCY", "4")
        .stderr(Stdio::null())
        .spawn()
        .expect("the bootstrap");
    let (platform, is_over) = (Mutex::new(Platform::default()), AtomicBool::new(false));
    let code = thread::scope(|scope| {
        let (platform, is_over) = (&platform, &is_over);
        scope.spawn(move || {
            for connection in listener.incoming() {
                let connection = connection.expect("a connection");
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                scope.spawn(move || serve(connection, platform, event));
            }
        });
        let code = child.wait().expect("ended").code();
        is_over.store(true, Ordering::SeqCst);
        TcpStream::connect(address).expect("a connection, the last");
        code
    });
    (platform.into_inner().expect("no panic").invocations, code)
}

/// The process ends by itself on one worker while three others are asking and answering without a
/// pause.
#[test]
fn every_invocation_has_one_end_when_the_process_ends_among_them() {
    let (_folder, library) = support::fixture_in_c("concurrent");
    for (event, expected) in [("\"crash\"", None), ("\"exit\"", Some(3))] {
        for round in 0..40 {
            let (invocations, code) = told(&library, event);
            assert_eq!(code, expected);
            assert_eq!(invocations[&100], ["error"]);
            let others = invocations.iter().filter(|(_, ends)| ends.len() != 1);
            let others: Vec<_> = others.collect();
            assert!(others.is_empty(), "{event}, round {round}: {others:?}");
        }
    }
}
