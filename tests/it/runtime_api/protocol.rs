//! The bootstrap against a server that says exactly what a test tells it to, byte by byte.

use std::io::Write as _;
use std::net::TcpListener;
use std::process::Stdio;
use std::thread;

use crate::support;
use crate::support::script;
use crate::support::script::Script;
use crate::support::script::Seen;
use crate::support::script::accepted;
use crate::support::script::answer;
use crate::support::script::here;
use crate::support::script::next;
use crate::support::script::serve;
use crate::support::script::status;

/// Runs `echo` against a server that gives these answers.
fn converse(api: impl FnOnce(u16) -> String, script: Vec<Script>) -> Seen {
    script::converse(&support::example("echo"), api, script)
}

/// Converses, then ends the session with 410, and says what `echo` posted.
fn echoed(event: Script) -> String {
    let mut seen = converse(here, vec![event, accepted(), status("410 Gone")]);
    assert_eq!(seen.code, Some(11), "{}", seen.log);
    assert!(seen.requests[1].0.starts_with("POST /2018-06-01/runtime/invocation/r1/response "));
    assert_eq!(seen.connections, 1);
    seen.requests.remove(1).1
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\
    LAMBDA-RUNTIME-AWS-REQUEST-ID: r1\r\n\r\n2;a=b\r\n{\"\r\n3\r\na\":\r\n2\r\n1}\r\n0\r\nX: y\r\n\r\n";

#[test]
fn events_come_counted_or_chunked_and_cut_at_any_byte() {
    assert_eq!(echoed(next("{}")), "{}");
    assert_eq!(echoed(next("")), "");
    for piece in [1, 2, 7, usize::MAX] {
        let script = Script { piece, ..answer(CHUNKED) };
        assert_eq!(echoed(script), "{\"a\":1}", "pieces of {piece}");
    }
}

#[test]
fn an_event_without_a_length_ends_with_its_connection() {
    let head = "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r1\r\n\r\n";
    let event = Script { close: true, ..answer(format!("{head}[1,2]")) };
    let seen = converse(here, vec![event, accepted(), status("410 Gone")]);
    assert_eq!(seen.requests[1].1, "[1,2]");
    assert_eq!(seen.connections, 2);
}

#[test]
fn the_last_transfer_coding_is_the_one_that_counts() {
    assert_eq!(echoed(answer(CHUNKED.replace(": chunked", ": identity, Chunked"))), "{\"a\":1}");
}

#[test]
fn what_does_not_end_is_not_read_for_ever() {
    let megabytes = |line: &str, count: usize| line.repeat((count << 20) / line.len() + 1);
    let refused = |answers: String, words: &str| {
        let seen = converse(here, vec![answer(answers)]);
        assert_eq!(seen.code, Some(11), "{}", seen.log);
        assert!(seen.log.contains(&format!("malformed response: {words}")), "{}", seen.log);
    };
    let start = "HTTP/1.1 200 OK\r\n";
    refused(start.to_owned() + &megabytes("X: value\r\n", 4), "headers of more than 4 MiB");
    refused(start.to_owned() + &megabytes("XXXXXXXX", 4), "a line that does not end");
    let chunked = start.to_owned() + "Transfer-Encoding: chunked\r\n\r\n";
    let extension = format!("1;{}\r\n", "x".repeat(64 << 10));
    refused(chunked + &extension, "a line that does not end");
}

#[test]
fn three_hundred_headers_and_large_ones_are_read() {
    let mut head = String::from("HTTP/1.1 200 OK\r\n");
    for number in 0..300 {
        head.push_str(&format!("X-Header-{number}: {}\r\n", "v".repeat(3000)));
    }
    head.push_str("Lambda-Runtime-Aws-Request-Id: r1\r\nContent-Length: 2\r\n\r\n[]");
    assert_eq!(echoed(answer(head)), "[]");
}

#[test]
fn the_api_may_have_a_scheme_a_name_and_a_base() {
    let with_base = |port| format!("http://localhost:{port}/.rt/f");
    let seen = converse(with_base, vec![next("1"), accepted(), status("410 Gone")]);
    let lines: Vec<&str> =
        seen.requests.iter().map(|(head, _)| head.lines().next().unwrap_or_default()).collect();
    let expected = [
        "GET /.rt/f/2018-06-01/runtime/invocation/next HTTP/1.1",
        "POST /.rt/f/2018-06-01/runtime/invocation/r1/response HTTP/1.1",
        "GET /.rt/f/2018-06-01/runtime/invocation/next HTTP/1.1",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_invocation_id_is_echoed_if_there_was_one() {
    let with_id = "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r1\r\n\
        Lambda-Runtime-Invocation-Id: attempt 2\r\nContent-Length: 1\r\n\r\n1";
    let seen = converse(here, vec![answer(with_id), accepted(), next("2"), accepted()]);
    assert!(seen.requests[1].0.contains("\r\nLambda-Runtime-Invocation-Id: attempt 2\r\n"));
    assert!(!seen.requests[3].0.contains("Lambda-Runtime-Invocation-Id"));
}

#[test]
fn failures_streams_and_crashes_name_the_invocation_id_too() {
    for (name, event, path) in [
        ("faulty", r#"{"fault":"error"}"#, "/r1/error "),
        ("stream", r#"{"chunks":1}"#, "/r1/response "),
        ("faulty", r#"{"fault":"segv"}"#, "/r1/error "),
    ] {
        let length = event.len();
        // A crash is reported on a connection of its own.
        let invocation = Script {
            close: true,
            ..answer(format!(
                "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r1\r\n\
                 Lambda-Runtime-Invocation-Id: attempt 2\r\nConnection: close\r\n\
                 Content-Length: {length}\r\n\r\n{event}"
            ))
        };
        let seen = script::converse(&support::example(name), here, vec![invocation, accepted()]);
        let head = &seen.requests[1].0;
        assert!(head.contains(path), "{head}");
        assert!(
            head.contains("\r\nLambda-Runtime-Invocation-Id: attempt 2\r\n"),
            "{event}: {head}"
        );
    }
}

#[test]
fn a_refused_answer_is_logged_and_the_loop_goes_on() {
    for refusal in ["400 Bad Request", "410 Gone", "413 Too Large"] {
        let script = vec![next("1"), status(refusal), next("2"), accepted(), status("410 Gone")];
        let seen = converse(here, script);
        assert_eq!(seen.requests[3].1, "2", "after {refusal}");
        let code = &refusal[..3];
        let line = format!(
            "\tr1\tWARN\tpilotlight: POST /invocation/r1/response was answered {code}: {{}}\n"
        );
        assert!(seen.log.contains(&line), "{}", seen.log);
        // The other says why the process ended.
        assert_eq!(seen.log.lines().count(), 2, "{}", seen.log);
    }
}

#[test]
fn an_api_that_fails_ends_the_process_with_one_line_and_no_further_request() {
    for fatal in ["403 Forbidden", "500 Internal Server Error"] {
        let seen = converse(here, vec![next("1"), status(fatal)]);
        assert_eq!((seen.requests.len(), seen.code), (2, Some(11)), "{fatal}");
        assert_eq!(seen.log.lines().count(), 1, "{}", seen.log);
        let seen = converse(here, vec![status(fatal)]);
        assert_eq!((seen.requests.len(), seen.code), (1, Some(11)), "{fatal}");
        assert!(seen.log.contains("GET /next was answered"), "{}", seen.log);
    }
    let no_id = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    let seen = converse(here, vec![answer(no_id)]);
    assert!(seen.log.contains("without Lambda-Runtime-Aws-Request-Id"), "{}", seen.log);
    let seen = converse(here, vec![answer("nonsense\r\n\r\n")]);
    assert!(seen.log.contains("malformed response: the status line"), "{}", seen.log);
}

#[test]
fn an_event_that_does_not_fit_in_memory_fails_its_invocation_alone() {
    let head = "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r1\r\n";
    let lengths = [
        "Content-Length: 1125899906842624\r\n\r\n[1",
        "Transfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n4000000000000\r\n",
    ];
    for length in lengths {
        // The rest of the event would come next on this connection.
        let large = Script { close: true, ..answer(format!("{head}{length}")) };
        let script = vec![large, accepted(), next("2"), accepted(), status("410 Gone")];
        let seen = converse(here, script);
        let (head, body) = &seen.requests[1];
        assert!(head.starts_with("POST /2018-06-01/runtime/invocation/r1/error "), "{head}");
        assert!(head.contains("\r\nLambda-Runtime-Function-Error-Type: Runtime.OutOfMemory\r\n"));
        assert!(body.contains("no memory for 1125899906842"), "{body}");
        assert!(
            seen.log.contains("\tr1\tERROR\tRuntime.OutOfMemory: no memory for "),
            "{}",
            seen.log
        );
        assert_eq!(seen.requests[3].1, "2", "the next event, echoed");
    }
}

#[test]
fn a_connection_that_was_closed_at_rest_is_replaced() {
    let closing = |script: Script| Script { close: true, ..script };
    let script =
        vec![closing(next("1")), closing(accepted()), next("2"), accepted(), status("410 Gone")];
    let seen = converse(here, script);
    assert_eq!(seen.connections, 3);
    let posted: Vec<&str> = seen.requests.iter().map(|(_, body)| body.as_str()).collect();
    assert_eq!(posted, ["", "1", "", "2", ""]);
}

#[test]
fn a_connection_that_was_reset_at_rest_is_replaced() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = thread::spawn(move || {
        let mut stream = script::accept(&listener);
        script::read_head(&mut stream);
        stream.write_all(&next("1").bytes).expect("sent");
        // The body stays unread, so that the end of this connection is a reset.
        script::read_head(&mut stream);
        stream.write_all(&accepted().bytes).expect("sent");
        drop(stream);
        serve(&listener, vec![status("410 Gone")])
    });
    let function = support::example("echo");
    let output = function
        .command()
        .env_clear()
        .envs(function.environment(&here(port)))
        .output()
        .expect("run");
    let log = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(log.contains("GET /next was answered 410"), "{log}");
    let (requests, _) = server.join().expect("the server");
    assert!(requests[0].0.starts_with("GET /2018-06-01/"), "{requests:?}");
}

#[test]
fn an_answer_that_arrived_before_its_connection_broke_is_not_lost_or_repeated() {
    // The server takes the post and closes; the second one is refused as a repetition.
    let unanswered = Script { close: true, ..answer(Vec::new()) };
    for refusal in ["403 Forbidden", "400 Bad Request"] {
        let script = vec![next("1"), unanswered.clone(), status(refusal), next("2"), accepted()];
        let seen = converse(here, script);
        let posted: Vec<&str> = seen.requests.iter().map(|(_, body)| body.as_str()).collect();
        assert_eq!(posted, ["", "1", "1", "", "2"]);
        assert_eq!(seen.connections, 2);
        assert!(!seen.log.contains("was answered"), "it is no news: {}", seen.log);
    }
}

#[test]
fn a_post_may_be_answered_200() {
    let seen = converse(here, vec![next("1"), status("200 OK"), status("410 Gone")]);
    assert_eq!(seen.log.lines().count(), 1, "{}", seen.log);
    assert!(seen.log.contains("GET /next was answered 410"), "{}", seen.log);
}

#[test]
fn an_api_that_is_not_there_is_named() {
    let function = support::example("echo");
    let run = |api: Option<&str>| {
        let mut command = function.command();
        command.env_clear().envs(function.environment(api.unwrap_or_default()));
        if api.is_none() {
            command.env_remove("AWS_LAMBDA_RUNTIME_API");
        }
        let output = command.output().expect("run");
        assert_eq!(output.status.code(), Some(11), "{output:?}");
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    assert!(run(None).contains("AWS_LAMBDA_RUNTIME_API is not set"));
    assert!(run(Some("host:port")).contains("AWS_LAMBDA_RUNTIME_API is `host:port`; expected"));
    assert!(run(Some("127.0.0.1:1")).contains("cannot connect to the Runtime API at 127.0.0.1:1"));
    assert!(run(Some("name.invalid:1")).contains("cannot find the Runtime API's host"));
}

#[test]
fn an_api_that_listens_late_is_waited_for() {
    let port = support::free_port();
    let function = support::example("echo");
    let mut runtime = function
        .command()
        .env_clear()
        .envs(function.environment(&format!("127.0.0.1:{port}")))
        .spawn()
        .expect("the bootstrap");
    // It has been refused once, and waits before it asks again.
    support::wait_until_asleep(runtime.id());
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port");
    let (requests, _) = serve(&listener, vec![status("500 Oh")]);
    assert!(requests[0].0.starts_with("GET /2018-06-01/runtime/invocation/next "), "{requests:?}");
    assert_eq!(runtime.wait().expect("ended").code(), Some(11));
}

#[test]
fn an_init_error_carries_its_category_and_its_cause_for_xray() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = thread::spawn(move || serve(&listener, vec![accepted()]));
    let mut function = support::example("echo");
    function.handler = "nothing".into();
    let status = function
        .command()
        .env_clear()
        .envs(function.environment(&here(port)))
        .stderr(Stdio::null())
        .status();
    assert_eq!(status.expect("run").code(), Some(10));
    let (head, _) = server.join().expect("the server").0.remove(0);
    assert!(head.starts_with("POST /2018-06-01/runtime/init/error HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nLambda-Runtime-Function-Error-Type: Runtime.NoSuchHandler\r\n"));
    let cause = head
        .lines()
        .find_map(|line| line.strip_prefix("Lambda-Runtime-Function-XRay-Error-Cause: "));
    let cause: serde_json::Value = serde_json::from_str(cause.expect("the cause")).expect("JSON");
    assert_eq!(cause["working_directory"], function.task_root.to_str().expect("UTF-8"));
    assert_eq!(cause["exceptions"][0]["type"], "Runtime.NoSuchHandler");
}
