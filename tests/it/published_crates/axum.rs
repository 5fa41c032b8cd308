//! The example `axum`: routes, extractors, state, layers and streams, through function URLs of the
//! local Lambda and of cargo-lambda, and with events of other services on AWS's emulator.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::Value;
use serde_json::json;

use crate::emulators::cargo_lambda::CargoLambda;
use crate::emulators::rie::Rie;
use crate::support;
use crate::support::served::Served;

const STREAMING: &str = "PILOTLIGHT_INVOKE_MODE=RESPONSE_STREAM";
const URL: &str = "/lambda-url/axum_example";

fn library() -> PathBuf {
    static BUILT: OnceLock<Vec<PathBuf>> = OnceLock::new();
    let arguments = ["build", "--target-dir", "../../target/axum"];
    support::library(
        BUILT.get_or_init(|| support::cargo("examples/axum", &arguments)),
        "axum_example",
    )
}

#[test]
fn routes_extractors_and_state_work_through_a_function_url() {
    let served = Served::start(&[&library()], &[]);
    let greeting = served.get(&format!("{URL}/?name=Ada%20%C3%84"));
    assert_eq!((greeting.status, greeting.text()), (200, "Hello, Ada Ä!\n"));
    assert_eq!(served.get(&format!("{URL}/items/a%20b%2Fc")).text(), "a b/c");
    assert_eq!(served.get(&format!("{URL}/nothing")).status, 404);
    assert_eq!(served.get(&format!("{URL}/orders")).status, 405);
    let json = [("Content-Type", "application/json")];
    for number in 1..=2 {
        let receipt = served.post(&format!("{URL}/orders"), br#"{"item":"tea","count":2}"#, &json);
        assert_eq!(receipt.status, 201);
        assert_eq!(receipt.json(), json!({ "number": number, "text": "2 × tea" }));
    }
    assert_eq!(served.post(&format!("{URL}/orders"), b"{}", &json).status, 422);
}

#[test]
fn binary_bodies_cookies_and_layers_pass_in_both_directions() {
    let served = Served::start(&[&library()], &[]);
    let part = |name: &str, body: &[u8]| {
        let head = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        [head.as_bytes(), body, b"\r\n"].concat()
    };
    let form = [part("a", b"\xff\0\r\n"), part("b", b""), b"--b--\r\n".to_vec()].concat();
    let kind = [("Content-Type", "multipart/form-data; boundary=b")];
    assert_eq!(served.post(&format!("{URL}/upload"), &form, &kind).text(), "a: 4\nb: 0\n");
    let visit = served.get_with(&format!("{URL}/visit"), &[("Cookie", "x=1; y=2")]);
    assert_eq!(visit.text(), "x=1; y=2");
    let cookies: Vec<_> = visit.headers("set-cookie").collect();
    assert_eq!(cookies, ["first=1; Secure", "second=2"]);
    let text = served.get_with(&format!("{URL}/text"), &[("Accept-Encoding", "gzip")]);
    assert_eq!(text.header("content-encoding"), "gzip");
    assert_eq!(text.body[..2], [0x1f, 0x8b]);
    assert_eq!(text.header("access-control-allow-origin"), "*");
    assert_eq!(served.get(&format!("{URL}/text")).body.len(), 15_000);
}

/// The chunks of an HTTP/1.1 body that are not empty.
fn chunks(answer: &str) -> Vec<&str> {
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    body.split("\r\n").filter(|line| line.starts_with("data: ")).collect()
}

#[test]
fn events_are_sent_one_by_one_where_the_function_is_invoked_for_streams() {
    let expected = ["data: 0\n\n", "data: 1\n\n", "data: 2\n\n"];
    let buffered = Served::start(&[&library()], &[]).get(&format!("{URL}/events"));
    assert_eq!(buffered.header("transfer-encoding"), "");
    assert_eq!(buffered.text(), expected.concat());

    let served = Served::start(&[&library()], &["--env", STREAMING]);
    let mut stream = served.connect(&format!("{URL}/events"));
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("UTF-8");
    assert!(answer.contains("text/event-stream"), "{answer}");
    assert_eq!(chunks(&answer), expected);
    // Other responses have their heads, too.
    let visit = served.get(&format!("{URL}/visit"));
    assert_eq!(visit.headers("set-cookie").count(), 2);
    assert_eq!(served.get(&format!("{URL}/text")).body.len(), 15_000);
    assert_eq!(served.get(&format!("{URL}/nothing")).status, 404);
}

#[test]
fn each_service_gets_its_form_of_response_on_aws_s_emulator() {
    let library = library();
    let folder = library.parent().expect("a folder");
    let rie = Rie::start_in(folder, "axum_example.http", &[]);
    let answer = |event: Value| -> Value {
        let (status, body) = rie.invoke(event.to_string().as_bytes());
        assert_eq!(status, 200);
        serde_json::from_slice(&body).expect("JSON")
    };
    let http = answer(json!({
        "version": "2.0",
        "rawPath": "/prod/visit",
        "cookies": ["a=1"],
        "headers": {},
        "requestContext": { "http": { "method": "GET" }, "stage": "prod" },
    }));
    assert_eq!((&http["body"], &http["statusCode"]), (&"a=1".into(), &200.into()));
    assert_eq!(http["cookies"], json!(["first=1; Secure", "second=2"]));
    let rest = answer(json!({
        "httpMethod": "GET",
        "path": "/visit",
        "multiValueHeaders": { "Accept-Encoding": ["gzip"] },
        "requestContext": { "stage": "prod", "path": "/prod/visit" },
    }));
    assert_eq!(rest["multiValueHeaders"]["set-cookie"], http["cookies"]);
    let load_balancer = answer(json!({
        "httpMethod": "GET",
        "path": "/text",
        "headers": { "accept-encoding": "gzip" },
        "requestContext": { "elb": {} },
    }));
    assert_eq!(load_balancer["statusDescription"], "200 OK");
    assert_eq!(load_balancer["isBase64Encoded"], true);
    let (_, refused) = rie.invoke(br#"{"Records":[]}"#);
    let refused = String::from_utf8(refused).expect("UTF-8");
    assert!(refused.contains("it has `Records`"), "{refused}");
}

#[test]
fn cargo_lambda_s_function_urls_are_answered_whole_and_streamed() {
    let mut function = support::function(&library(), None);
    let answer = |function: &_, path: &str| {
        let emulator = CargoLambda::start(function);
        let mut answer = String::new();
        let line = format!("GET /lambda-url/f{path}");
        emulator.request(&line, "").read_to_string(&mut answer).expect("UTF-8");
        answer
    };
    let greeting = answer(&function, "/?name=Ada");
    assert!(greeting.ends_with("Hello, Ada!\n"), "{greeting}");
    let (name, value) = STREAMING.split_once('=').expect("a variable");
    function.variables.push((name.to_owned(), value.to_owned()));
    let events = answer(&function, "/events");
    assert!(events.starts_with("HTTP/1.1 200 OK\r\n"), "{events}");
    assert_eq!(chunks(&events), ["data: 0\n\n", "data: 1\n\n", "data: 2\n\n"]);
}
