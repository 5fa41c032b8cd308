//! Memory does not grow with invocations. `PILOTLIGHT_TEST_INVOCATIONS` says how many there are to
//! be.

use std::env;
use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;

use crate::support;
use crate::support::script;
use crate::support::script::accepted;
use crate::support::script::here;
use crate::support::script::next;

/// Resident memory of the process, in KiB.
fn resident_kib(process: u32) -> u64 {
    let statm = fs::read_to_string(format!("/proc/{process}/statm")).expect("a process");
    let pages: u64 = statm.split(' ').nth(1).expect("a field").parse().expect("a number");
    pages * 4
}

#[test]
fn memory_is_the_same_after_a_great_many_invocations() {
    let count = env::var("PILOTLIGHT_TEST_INVOCATIONS").unwrap_or_else(|_| "100000".into());
    let count: u32 = count.parse().expect("a number");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let function = support::example("echo");
    let mut child = function
        .command()
        .env_clear()
        .envs(function.environment(&here(port)))
        .spawn()
        .expect("the bootstrap");
    let stream = script::accept(&listener);
    stream.set_nodelay(true).expect("a socket");
    let mut reader = BufReader::new(&stream);
    let event = r#"{"a":"some event, of some length"}"#;
    let accepted = accepted().bytes;
    let mut line = String::new();
    let mut body = vec![0; event.len()];
    let mut early = 0;
    for number in 0..count {
        // Of any length, also more than has room in the variable.
        let id = number as usize * 37 % 600;
        let next = String::from_utf8(next(event).bytes).expect("ASCII");
        let with_id = format!("\r\nLambda-Runtime-Trace-Id: {number}-{:id$}.\r\n\r\n", "");
        let next = next.replacen("\r\n\r\n", &with_id, 1).into_bytes();
        for answer in [&next, &accepted] {
            while line != "\r\n" {
                line.clear();
                reader.read_line(&mut line).expect("a request");
            }
            line.clear();
            if *answer == accepted {
                reader.read_exact(&mut body).expect("a response");
            }
            (&stream).write_all(answer).expect("sent");
        }
        if number == 10_000 {
            early = resident_kib(child.id());
        }
    }
    assert_eq!(body, event.as_bytes());
    let late = resident_kib(child.id());
    child.kill().expect("ended");
    child.wait().expect("ended");
    println!("{early} KiB after 10000 invocations, {late} KiB after {count}");
    assert!(late <= early + 8, "{early} KiB after 10000 invocations, {late} KiB after {count}");
}

/// Of a hundred starts, nine died before mimalloc was made to begin on the first thread.
#[test]
fn threads_may_be_the_first_to_allocate() {
    let (_folder, library) = support::fixture_in_c("first_threads");
    let function = support::function(&library, None);
    for _ in 0..60 {
        assert_eq!(support::response(support::cold(&function, b"{}")), b"");
    }
}
