//! Requests without an end, and more of them than there is room for.

use std::fs;
use std::io::ErrorKind;
use std::io::Read as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use super::ask;
use super::connect;
use crate::support;
use crate::support::served::Served;
use crate::support::served::example;

/// A number of a process's own status.
fn status(process: u32, name: &str) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the line");
    line.trim_start_matches(':').trim().parse().expect("a number")
}

#[test]
fn half_requests_hold_no_threads_and_come_to_an_end() {
    let served = Served::start(&[&example("echo")], &[]);
    assert_eq!(served.invoke("echo", "{}").status, 200);
    let halves = [
        "POST /2015-03-31/functions/echo/invocations HTTP/1.1\r\nHost: localhost\r\n",
        "POST /2015-03-31/functions/echo/invocations HTTP/1.1\r\nHost: localhost\r\n\
         Content-Length: 9\r\n\r\n{",
    ];
    let mut waiting: Vec<TcpStream> = (0..400).map(|_| connect(&served)).collect();
    for (number, stream) in waiting.iter_mut().enumerate() {
        stream.write_all(halves[number % 2].as_bytes()).expect("sent");
    }
    // It has taken all of them, and still answers.
    assert_eq!(served.invoke("echo", "{}").status, 200);
    let threads = status(served.id(), "Threads");
    assert!(threads < 40, "{threads} threads for 400 half requests");
    for mut stream in waiting {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the server ends the connection");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
}

#[test]
fn announced_lengths_are_not_waited_for_nor_chosen_from() {
    let served = Served::start(&[&example("echo")], &[]);
    let invoke = "POST /2015-03-31/functions/echo/invocations HTTP/1.1\r\nHost: localhost\r\n";
    let long = ask(&served, &format!("{invoke}Content-Length: 100000000000000\r\n\r\n{{}}"));
    assert!(long.starts_with("HTTP/1.1 413 "), "{long}");
    assert!(long.contains("must be smaller than 6291456 bytes"), "{long}");
    let two = format!("{invoke}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}} ");
    assert!(ask(&served, &two).starts_with("HTTP/1.1 400 "));
    assert_eq!(served.function("echo")["totals"]["invocations"], 0);
}

#[test]
fn trailers_have_an_end() {
    let served = Served::start(&[&example("echo")], &[]);
    let mut stream = connect(&served);
    let head = "POST /2015-03-31/functions/echo/invocations HTTP/1.1\r\nHost: localhost\r\n\
                Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n";
    stream.write_all(head.as_bytes()).expect("sent");
    let line = format!("X-More: {}\r\n", "x".repeat(8000));
    let ended = (0..16_000).find_map(|_| stream.write_all(line.as_bytes()).err());
    let kind = ended.expect("128 MB of trailers are not taken").kind();
    assert!(matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{kind}");
    let peak = support::peak_memory_kib(served.id());
    assert!(peak < 64 << 10, "{peak} KiB");
}

#[test]
fn a_burst_of_clients_need_not_connect_again() {
    let limit = fs::read_to_string("/proc/sys/net/core/somaxconn").expect("a limit");
    let limit: usize = limit.trim().parse().expect("a number");
    let burst = limit.min(1000);
    let served = Served::start(&[&example("echo")], &[]);
    let address: SocketAddr = served.authority().parse().expect("an address");
    // While it stands still, the kernel takes connections for it as far as it was told to.
    served.signal("-STOP");
    let clients: Vec<_> = (0..burst)
        .map_while(|_| TcpStream::connect_timeout(&address, Duration::from_millis(500)).ok())
        .collect();
    served.signal("-CONT");
    assert_eq!(clients.len(), burst);
}

#[test]
fn an_answer_to_head_has_no_body() {
    let served = Served::start(&[&example("stream"), &example("echo")], &[]);
    for path in ["/lambda-url/stream/?chunks=3", "/lambda-url/echo/", "/"] {
        let request =
            format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = ask(&served, &request);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
        assert_eq!(body, Some(""), "{path}: {answer}");
    }
}

/// Sends `count` invocations of `slow` at once, none of which may be a failure of the function.
/// Returns the numbers of those that were answered and of those that were refused.
fn at_once(served: &Served, count: usize) -> (usize, usize) {
    let replies: Vec<_> = thread::scope(|scope| {
        let calls: Vec<_> = (0..count)
            .map(|_| scope.spawn(|| served.invoke("slow", "{\"sleep_ms\":4000}")))
            .collect();
        calls.into_iter().map(|call| call.join().expect("answered")).collect()
    });
    let (taken, refused): (Vec<_>, Vec<_>) =
        replies.into_iter().partition(|reply| reply.status == 200);
    for reply in &taken {
        assert_eq!(reply.header("x-amz-function-error"), "", "{reply:?}");
    }
    for reply in &refused {
        assert_eq!(reply.status, 429, "{reply:?}");
        assert_eq!(reply.json()["Reason"], "ConcurrentInvocationLimitExceeded");
    }
    (taken.len(), refused.len())
}

#[test]
fn without_descriptors_invocations_are_refused_and_do_not_fail() {
    let options = ["--env", "START_MS=1", "--timeout", "60"];
    let few = Served::start_with_descriptors("-n 256", &[&example("slow")], &options);
    let (taken, refused) = at_once(&few, 45);
    assert!(taken > 20 && refused > 0, "{taken} taken, {refused} refused");
    few.log_with("invocation refused: no file descriptors left; raise the limit");
    assert_eq!(few.function("slow")["totals"]["throttles"], refused);
    assert_eq!(at_once(&few, 5), (5, 0));
}

#[test]
fn a_soft_limit_is_raised_and_handlers_keep_it() {
    let options = ["--env", "START_MS=1", "--timeout", "60"];
    let served = Served::start_with_descriptors("-S -n 64", &[&example("slow")], &options);
    assert_eq!(at_once(&served, 40), (40, 0));
    let process = served.invoke("slow", "{}").json()["process"].clone();
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).expect("a process");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("one");
    assert_eq!(line.split_whitespace().next(), Some("64"), "{limits}");
}
