//! The example `traced`: OpenTelemetry's exporter against a collector that this test is.

use std::io::Write as _;
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;

use serde_json::Value;
use serde_json::json;

use super::moved::build;
use super::moved::built;
use crate::handlers::logs::json_records;
use crate::support;
use crate::support::script;
use crate::support::script::here;

/// The spans that have arrived, each with its attributes.
type Spans = Arc<Mutex<Vec<(String, Value)>>>;

/// Starts a collector, and returns its port.
fn collect(spans: &Spans) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let spans = Arc::clone(spans);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let (head, body) = script::read_request(&mut stream);
            assert!(head.starts_with("POST /v1/traces "), "{head}");
            let export: Value = serde_json::from_str(&body).expect(&body);
            // The export has ended only when the response has come, so this comes first.
            spans.lock().unwrap_or_else(PoisonError::into_inner).extend(named(&export));
            let response = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
            stream.write_all(response.as_bytes()).expect("sent");
        }
    });
    port
}

/// The spans of an export.
fn named(export: &Value) -> Vec<(String, Value)> {
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let scopes = list(export, "resourceSpans").into_iter().flat_map(|r| list(&r, "scopeSpans"));
    let spans = scopes.flat_map(|scope| list(&scope, "spans"));
    let named = |span: Value| {
        let attributes = list(&span, "attributes").into_iter();
        let attributes = attributes.map(|attribute| {
            let name = attribute["key"].as_str().expect("a name").to_owned();
            (name, attribute["value"]["stringValue"].clone())
        });
        (span["name"].as_str().expect("a name").to_owned(), attributes.collect())
    };
    spans.map(named).collect()
}

#[test]
fn the_spans_of_an_invocation_arrive_before_the_runtime_asks_for_the_next() {
    build(&support::root().join("examples/traced"), &["--locked"]);
    let function = support::function(&built().join("target/debug/libtraced.so"), None);
    let spans = Spans::default();
    let endpoint = format!("http://127.0.0.1:{}", collect(&spans));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let child = function
        .command()
        .env_clear()
        .envs(function.environment(&here(port)))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .stderr(Stdio::piped())
        .spawn()
        .expect("the bootstrap");
    let mut worker = script::accept(&listener);
    script::read_head(&mut worker);
    let message = |id: &str, body: &str| json!({ "messageId": id, "body": body });
    for round in 0..3 {
        let order =
            message("m1", &json!({ "item": format!("cup {round}"), "count": 2 }).to_string());
        let event = json!({ "Records": [order, message("m2", "no order")] });
        worker.write_all(&script::next(&event.to_string()).bytes).expect("sent");
        let (head, answer) = script::read_request(&mut worker);
        assert!(head.contains("/r1/response "), "{head}{answer}");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": "m2" }] }));
        worker.write_all(&script::accepted().bytes).expect("sent");
        script::read_head(&mut worker);
        // The environment may be frozen from here on.
        let mut arrived = spans.lock().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<&str> = arrived.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["order", "order", "invocation"], "{round}");
        assert_eq!(arrived[0].1["item"], format!("cup {round}"));
        assert_eq!(arrived[2].1["requestId"], "r1");
        arrived.clear();
    }
    worker.write_all(&script::status("410 Gone").bytes).expect("sent");
    let output = child.wait_with_output().expect("ended");
    let records = json_records(&String::from_utf8(output.stderr).expect("UTF-8"));
    let ordered = &records[0];
    assert_eq!(ordered["message"], "ordered");
    assert_eq!(ordered["requestId"], "r1");
    assert_eq!(ordered["fields"], json!({ "count": 2 }));
    assert_eq!(ordered["spans"], json!([{ "name": "order", "item": "cup 0" }]));
    let failed = &records[1];
    assert_eq!((&failed["level"], &failed["message"]), (&"WARN".into(), &"an order failed".into()));
    let error = failed["fields"]["error"].as_str().expect("text");
    assert!(error.starts_with("expected ident"), "{error}");
}
