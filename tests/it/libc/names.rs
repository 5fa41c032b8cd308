//! Names are resolved however long the answer is: a server on this machine truncates over UDP and
//! answers in full over TCP. The processes that ask see a `/etc/resolv.conf` of their own, in a
//! mount namespace of their own, for which the tests must be root.

use std::collections::HashSet;
use std::fs;
use std::io::Read as _;
use std::io::Write as _;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;

use tempfile::TempDir;

use crate::support;
use crate::support::PATIENCE;
use crate::support::oracle;

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;

/// Codes of answers (RFC 1035, 4.1.1).
const SERVER_FAILURE: u8 = 2;
const NO_SUCH_NAME: u8 = 3;

/// Aliases between the name of a private endpoint and its addresses.
const ALIASES: usize = 8;
/// Addresses of each family.
const ADDRESSES: u8 = 12;
/// The longest answer over UDP to a query without EDNS (RFC 1035, 4.2.1), in bytes.
const MAX_UDP: usize = 512;

/// A DNS server, which ends when it is dropped.
struct Server {
    address: Ipv4Addr,
    ends: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// Serves on an address of the loopback network that other tests do not have.
    fn start() -> Server {
        let [.., high, low] = std::process::id().to_be_bytes();
        let address = Ipv4Addr::new(127, 53, high, low);
        let datagrams = UdpSocket::bind((address, 53)).expect("port 53: the tests must be root");
        let streams = TcpListener::bind((address, 53)).expect("port 53");
        let ends = Arc::new(AtomicBool::new(false));
        let by_datagram = {
            let ends = Arc::clone(&ends);
            thread::spawn(move || {
                let mut query = [0; MAX_UDP];
                let mut known = HashSet::new();
                loop {
                    let (length, from) = datagrams.recv_from(&mut query).expect("a query");
                    if ends.load(Ordering::Relaxed) {
                        return;
                    }
                    let query = &query[..length];
                    let mut answer = datagram(query);
                    if name(query).starts_with("late.") && known.insert(query.to_vec()) {
                        answer = failure(query, SERVER_FAILURE);
                    }
                    datagrams.send_to(&answer, from).expect("sent");
                }
            })
        };
        let by_stream = {
            let ends = Arc::clone(&ends);
            thread::spawn(move || {
                for stream in streams.incoming() {
                    if ends.load(Ordering::Relaxed) {
                        return;
                    }
                    // A client that goes away is its own affair.
                    let _ = serve_stream(&mut stream.expect("a connection"));
                }
            })
        };
        Server { address, ends, threads: vec![by_datagram, by_stream] }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        client.send_to(&[0], (self.address, 53)).expect("sent");
        drop(TcpStream::connect((self.address, 53)));
        for thread in self.threads.drain(..) {
            assert!(thread.join().is_ok(), "the server has failed");
        }
    }
}

/// The answer over UDP: all of it, or as much as the name's first label says.
fn datagram(query: &[u8]) -> Vec<u8> {
    let mut answer = answer(query);
    match name(query).split('.').next() {
        // More than a server should send unasked, but some do.
        Some("long") => {}
        // The first addresses, and the mark that there are more.
        Some("half") => {
            answer = build(query, 0, 2);
            answer[2] |= 2;
        }
        _ if answer.len() > MAX_UDP => {
            answer = build(query, 0, 0);
            answer[2] |= 2;
        }
        _ => {}
    }
    answer
}

/// The queries that come over one connection; the answers go out in pieces.
fn serve_stream(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut query)?;
        if name(&query).starts_with("half.") {
            return Ok(());
        }
        let answer = answer(&query);
        let length = u16::try_from(answer.len()).expect("a message").to_be_bytes();
        for piece in length.chunks(1).chain(answer.chunks(300)) {
            stream.write_all(piece)?;
        }
    }
}

/// The name that a query is about.
fn name(query: &[u8]) -> String {
    let mut labels = Vec::new();
    let mut rest = &query[12..];
    while let Some((&length, after)) = rest.split_first().filter(|(length, _)| **length > 0) {
        let (label, after) = after.split_at(usize::from(length));
        labels.push(String::from_utf8_lossy(label).into_owned());
        rest = after;
    }
    labels.join(".")
}

/// The whole answer to a query.
fn answer(query: &[u8]) -> Vec<u8> {
    match name(query).split('.').next() {
        Some("short" | "late") => build(query, 0, 1),
        Some("long" | "half") => build(query, 0, ADDRESSES),
        Some("chain") => build(query, ALIASES, ADDRESSES),
        _ => failure(query, NO_SUCH_NAME),
    }
}

/// An answer that is only a code.
fn failure(query: &[u8], code: u8) -> Vec<u8> {
    let mut answer = build(query, 0, 0);
    answer[3] |= code;
    answer
}

/// An alias's name, as long as those of private endpoints are.
fn alias(number: usize) -> String {
    format!("alias-{number}.vpce-0123456789abcdef0-abcdefgh.execute-api.example")
}

/// An answer with that many aliases, one after another, and addresses.
fn build(query: &[u8], aliases: usize, addresses: u8) -> Vec<u8> {
    let question_end = 12 + name(query).len() + 2 + 4;
    let kind = u16::from_be_bytes([query[question_end - 4], query[question_end - 3]]);
    let mut answer = query[..question_end].to_vec();
    // An answer, recursion desired and available, no error.
    answer[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0]);
    let mut count = 0;
    let mut record = |name: &str, kind: u16, data: &[u8]| {
        answer.extend(encode(name));
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 60]);
        answer.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
        answer.extend(data);
        count += 1;
    };
    let mut owner = name(query);
    for number in 0..aliases {
        let next = alias(number);
        record(&owner, CNAME, &encode(&next));
        owner = next;
    }
    for number in 0..addresses {
        match kind {
            A => record(&owner, A, &[10, 0, 0, number]),
            AAAA => record(
                &owner,
                AAAA,
                &Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, number.into()).octets(),
            ),
            _ => {}
        }
    }
    answer[7] = count;
    answer
}

/// A name as its labels, each after its length.
fn encode(name: &str) -> Vec<u8> {
    let labels = name.split('.').flat_map(|label| {
        let length = u8::try_from(label.len()).expect("a label");
        std::iter::once(length).chain(label.bytes())
    });
    labels.chain([0]).collect()
}

/// The fixture's answers for a name, in a handler and under glibc.
struct Resolved {
    here: String,
    by_dlopen: String,
}

fn resolve(server: &Server, library: &Path, folder: &Path, name: &str) -> Resolved {
    let settings = folder.join("resolv.conf");
    fs::write(&settings, format!("nameserver {}\n", server.address)).expect("written");
    let within = || {
        let script = "mount --bind \"$1\" /etc/resolv.conf && shift && exec \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script, "sh"]).arg(&settings);
        command
    };
    let mut command = within();
    command.arg(support::dist("bin/pilotlight")).arg("run").arg(library).args(["--event", name]);
    let output = command.output().expect("run");
    assert!(output.status.success(), "{output:?}");
    let here = String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned();

    let answer = folder.join("answer");
    let oracle = oracle::command(library, None, name, &answer);
    let mut command = within();
    let output = command.arg(oracle.get_program()).args(oracle.get_args()).output().expect("run");
    assert!(output.status.success(), "{output:?}");
    Resolved { here, by_dlopen: fs::read_to_string(answer).expect("an answer") }
}

/// The addresses that the server has for a name, as the fixture lists them.
fn addresses(count: u8) -> String {
    let v4 = (0..count).map(|number| IpAddr::from([10, 0, 0, number]).to_string());
    let v6 = (0..count).map(|number| {
        IpAddr::from(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, number.into())).to_string()
    });
    let mut all: Vec<String> = v4.chain(v6).collect();
    all.sort();
    all.join(" ")
}

#[test]
fn answers_of_any_length_resolve() {
    let server = Server::start();
    let folder = TempDir::new().expect("a folder");
    let (_built, library) = support::fixture_in_c("resolves");
    let resolve = |name| resolve(&server, &library, folder.path(), name);

    let short = resolve("short.example");
    assert_eq!(short.here, format!("short.example {}, 1 hosts, 1 records", addresses(1)));
    assert_eq!(short.here, short.by_dlopen);

    // More than 512 bytes: over TCP.
    let chain = resolve("chain.example");
    let canonical = alias(ALIASES - 1);
    let all = addresses(ADDRESSES);
    let records = ALIASES + usize::from(ADDRESSES);
    assert_eq!(chain.here, format!("{canonical} {all}, {ADDRESSES} hosts, {records} records"));
    assert_eq!(chain.here, chain.by_dlopen);

    let long = resolve("long.example");
    let expected = format!("long.example {all}, {ADDRESSES} hosts, {ADDRESSES} records");
    assert_eq!(long.here, expected);
    assert_eq!(long.here, long.by_dlopen);

    // A server that knows it the second time, and a name that there is none of.
    let late = resolve("late.example");
    assert_eq!(late.here, format!("late.example {}, 1 hosts, 1 records", addresses(1)));
    assert_eq!(late.here, late.by_dlopen);
    assert_eq!(resolve("none.example").here, "Name does not resolve");

    // A server whose TCP does not answer: glibc fails, and we take what there is.
    let half = resolve("half.example");
    assert_eq!(half.here, format!("half.example {}, 2 hosts, 2 records", addresses(2)));
}
