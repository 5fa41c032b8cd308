//! Stand-ins for services that cannot be had here: HTTP servers on this machine whose state a test
//! changes. `boto3` checks in `config/honest.rs` that they are like what they stand for.

pub mod appconfig;
pub mod extension;
mod signature;

use std::collections::BTreeMap;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

pub use self::signature::ACCESS_KEY;
pub use self::signature::SECRET_KEY;
pub use self::signature::SESSION_TOKEN;

/// Far more than any test opens.
const MAX_CONNECTIONS: usize = 10_000;
/// No test leaves a connection open for longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request, read whole.
#[derive(Debug)]
pub struct Request {
    pub method: String,
    /// As sent, with its query.
    pub target: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The path's parts, decoded.
    pub fn path(&self) -> Vec<String> {
        let path = self.target.split('?').next().unwrap_or_default();
        path.split('/').skip(1).map(decoded).collect()
    }

    /// A query value, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(known, _)| *known == name).map(|(_, value)| decoded(value)).next()
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first == b'%' && after.len() >= 2 {
            let digits = std::str::from_utf8(&after[..2]).expect("ASCII");
            bytes.push(u8::from_str_radix(digits, 16).expect("two digits"));
            rest = &after[2..];
        } else {
            bytes.push(first);
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Time that the client waits for it.
    pub delay: Duration,
}

impl Reply {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Reply {
        let headers = vec![("Content-Type", content_type.to_owned())];
        Reply { status, headers, body: body.into(), delay: Duration::ZERO }
    }

    pub fn with(mut self, name: &'static str, value: impl ToString) -> Reply {
        self.headers.push((name, value.to_string()));
        self
    }
}

/// Answers requests for as long as the process lives; returns the port.
pub fn serve(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().take(MAX_CONNECTIONS).flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || converse(stream, &*answer));
        }
    });
    port
}

fn converse(stream: TcpStream, answer: &dyn Fn(&Request) -> Reply) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut to = stream.try_clone().ok()?;
    let mut from = BufReader::new(stream);
    loop {
        let reply = answer(&read(&mut from)?);
        thread::sleep(reply.delay);
        let mut head = format!("HTTP/1.1 {} Fake\r\n", reply.status);
        for (name, value) in &reply.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Length: {}\r\n\r\n", reply.body.len());
        to.write_all(head.as_bytes()).ok()?;
        to.write_all(&reply.body).ok()?;
    }
}

/// None when the client has gone.
fn read(from: &mut impl BufRead) -> Option<Request> {
    let mut line = || {
        let mut line = String::new();
        from.read_line(&mut line).ok().filter(|&length| length > 0)?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = BTreeMap::new();
    loop {
        let header = line()?;
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    Some(Request { method, target, headers, body })
}
