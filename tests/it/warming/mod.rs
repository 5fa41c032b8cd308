//! Warming, with the real bootstrap and module: answers without the handler, invocations, and the
//! log.

mod external;
mod fan_out;
mod lambda;
mod limits;
mod schedule;

use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::net::TcpListener;

use pilotlight_local::function::Function;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::support;
use crate::support::script;
use crate::support::script::Script;
use crate::support::script::accepted;
use crate::support::script::answer;
use crate::support::script::next;
use crate::support::script::status;

/// The outcome of some events in one environment.
struct Served {
    /// The answers, in order.
    answers: Vec<String>,
    /// The records of pings and their failures.
    records: Vec<Value>,
    /// The log without the line at the end of the process.
    log: String,
}

/// Serves invocations in one environment.
fn serve(function: &Function, invocations: Vec<Script>) -> Served {
    let count = invocations.len();
    let script = invocations.into_iter().flat_map(|invocation| [invocation, accepted()]);
    let script = script.chain([status("410 Gone")]).collect();
    let outcome = script::converse(function, script::here, script);
    assert_eq!(outcome.code, Some(11), "{}", outcome.log);
    let posts = outcome.requests.into_iter().skip(1).step_by(2).take(count);
    let is_end = |line: &&str| line.contains("GET /next was answered 410");
    let log: String = outcome.log.split_inclusive('\n').filter(|line| !is_end(line)).collect();
    let records = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Served { answers: posts.map(|(_, body)| body).collect(), records, log }
}

fn echo(variables: &[(&str, &str)]) -> Function {
    let mut function = support::example("echo");
    function.variables =
        variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    function
}

const WARMED: &str = "\"warmed\"";

#[test]
fn pings_are_answered_and_other_events_reach_the_handler() {
    let events = [
        (r#"{"warmer":true}"#, true),
        (r#"{"source":"serverless-plugin-warmup"}"#, true),
        (r#"{"warmer":true,"requestContext":{}}"#, false),
        (r#"{"body":"{\"warmer\":true}","padding":"padding"}"#, false),
        (r#"{"path":"/health","httpMethod":"GET","requestContext":{}}"#, false),
    ];
    let served = serve(
        &echo(&[("PILOTLIGHT_WARM_DELAY", "1")]),
        events.iter().map(|(event, _)| next(event)).collect(),
    );
    for ((event, is_ping), answer) in events.iter().zip(&served.answers) {
        assert_eq!(answer, if *is_ping { WARMED } else { event });
    }
    assert_eq!(served.records.len(), 2, "{}", served.log);
    assert_eq!(served.records[0]["warm"], json!(false));
    assert_eq!(served.records[1]["warm"], json!(true));
    assert_eq!(served.records[1]["lastAccessed"], Value::Null);
}

#[test]
fn an_answer_does_not_wait_for_its_record_but_the_next_invocation_does() {
    let function = echo(&[("PILOTLIGHT_WARM_DELAY", "1")]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let folder = TempDir::new().expect("a folder");
    let log = folder.path().join("log");
    let mut child = function
        .command()
        .env_clear()
        .envs(function.environment(&script::here(port)))
        .stderr(File::create(&log).expect("a file"))
        .spawn()
        .expect("the bootstrap");
    let mut api = script::accept(&listener);
    script::read_request(&mut api);
    let records = || fs::read_to_string(&log).expect("a log").lines().count();
    // A child's answer is delayed, so its record is not: it would come too late.
    let child_event = r#"{"warmer":true,"__WARMER_INVOCATION__":2,"__WARMER_CONCURRENCY__":3}"#;
    for (event, with_the_answer, at_the_end) in [(r#"{"warmer":true}"#, 0, 1), (child_event, 2, 2)]
    {
        api.write_all(&next(event).bytes).expect("sent");
        assert_eq!(script::read_request(&mut api).1, WARMED);
        assert_eq!(records(), with_the_answer, "{event}");
        api.write_all(&accepted().bytes).expect("sent");
        script::read_request(&mut api);
        assert_eq!(records(), at_the_end, "{event}");
    }
    drop(api);
    drop(listener);
    assert_eq!(child.wait().expect("ended").code(), Some(11));
}

#[test]
fn warming_can_be_switched_off_and_kept_quiet() {
    let ping = r#"{"warmer":true}"#;
    let served = serve(&echo(&[("PILOTLIGHT_WARM", "0")]), vec![next(ping)]);
    assert_eq!((served.answers[0].as_str(), served.log.as_str()), (ping, ""));
    let served = serve(&echo(&[("PILOTLIGHT_WARM_LOG", "0")]), vec![next(ping)]);
    assert_eq!((served.answers[0].as_str(), served.log.as_str()), (WARMED, ""));
    let served = serve(&echo(&[("PILOTLIGHT_WARM_DELAY", "soon")]), vec![next(ping)]);
    assert!(served.log.contains("PILOTLIGHT_WARM_DELAY is not a number"), "{}", served.log);
}

#[test]
fn a_health_check_is_answered_at_the_path_of_the_variable() {
    let event = r#"{"version":"2.0","rawPath":"/health","requestContext":{"stage":"$default","http":{"method":"GET"}}}"#;
    let served = serve(&echo(&[("PILOTLIGHT_WARM_PATH", "/health")]), vec![next(event)]);
    let answer: Value = serde_json::from_str(&served.answers[0]).expect("JSON");
    assert_eq!(answer["statusCode"], 200);
    assert_eq!(answer["headers"]["content-type"], "application/json");
    let body: Value = serde_json::from_str(answer["body"].as_str().expect("text")).expect("JSON");
    assert_eq!(body, json!({"warmed": true}));
    assert_eq!(served.records.len(), 1);
}

#[test]
fn a_client_context_may_hold_a_ping() {
    let with_context = |context: &str| {
        answer(format!(
            "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r1\r\n\
             Lambda-Runtime-Client-Context: {context}\r\nContent-Length: 2\r\n\r\n{{}}"
        ))
    };
    let contexts =
        [r#"{"custom":{"source":"serverless-plugin-warmup"}}"#, r#"{"custom":{"source":"x"}}"#];
    let served =
        serve(&echo(&[("PILOTLIGHT_WARM_DELAY", "1")]), contexts.map(with_context).to_vec());
    assert_eq!(served.answers, [WARMED, "{}"]);
}

#[test]
fn handlers_can_read_the_number_of_pings() {
    let mut function = support::example("context");
    function.variables = Vec::new();
    let ping = || next(r#"{"warmer":true}"#);
    let served = serve(&function, vec![next("{}"), ping(), ping(), next("{}")]);
    let count =
        |answer: &str| serde_json::from_str::<Value>(answer).expect("JSON")["warmCount"].as_u64();
    assert_eq!(count(&served.answers[0]), Some(0));
    assert_eq!(count(&served.answers[3]), Some(2));
}
