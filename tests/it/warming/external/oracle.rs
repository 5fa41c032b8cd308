//! lambda-warmer itself, in Node, on the same events: the invocations, their payloads and the log
//! are the same.

use serde_json::Value;
use serde_json::json;

use crate::support::script::answer;
use crate::support::tool;
use crate::support::tools;
use crate::warming::echo;
use crate::warming::lambda::Lambda;
use crate::warming::lambda::Manner;
use crate::warming::lambda::Request;
use crate::warming::serve;

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:echo:live";

/// Sequences of events, each for a new environment.
fn cases() -> Vec<Vec<&'static str>> {
    let alone = [
        r#"{"warmer":true,"concurrency":3}"#,
        r#"{"warmer":true,"concurrency":"3"}"#,
        r#"{"warmer":true,"concurrency":2.5}"#,
        r#"{"warmer":true,"concurrency":1}"#,
        r#"{"warmer":true,"concurrency":20}"#,
        r#"{"warmer":"false","concurrency":2}"#,
        r#"{"warmer":1,"concurrency":4,"test":true}"#,
        r#"{"warmer":1,"concurrency":2,"test":0}"#,
        r#"{"warmer":0,"concurrency":3,"text":"ordinary"}"#,
        r#"{"warmer":true,"concurrency":2,"warmer":null}"#,
        // Numbers that JavaScript rounds to zero, and their neighbours.
        r#"{"warmer":1e-400,"concurrency":2}"#,
        r#"{"warmer":-0.00024703282292062327e-320,"concurrency":2}"#,
        r#"{"warmer":2.4703282292062328e-324,"concurrency":2}"#,
        r#"{"warmer":1,"concurrency":2,"test":1e-400}"#,
        r#"{"warmer":1,"concurrency":2,"__WARMER_CORRELATIONID__":24703282292062327208e-343}"#,
        r#"{"w\u0061rmer":true,"concurrency":2}"#,
        r#"{"warmer":true,"__WARMER_INVOCATION__":2,"__WARMER_CONCURRENCY__":3,"__WARMER_CORRELATIONID__":"c"}"#,
        r#"{"warmer":true,"__WARMER_INVOCATION__":"2","__WARMER_CONCURRENCY__":"3"}"#,
        r#"{"warmer":true,"concurrency":3,"__WARMER_INVOCATION__":2,"__WARMER_CORRELATIONID__":"\"c\""}"#,
        r#"{"warmer":true,"concurrency":2,"__WARMER_CORRELATIONID__":7}"#,
        r#"{"warmer":true,"target":"other"}"#,
        r#"{"warmer":true,"target":"other:live","concurrency":3}"#,
        r#"{"warmer":true,"target":"echo","concurrency":2}"#,
        r#"{"warmer":true,"target":"echo:live","concurrency":2}"#,
        r#"{"warmer":true,"target":"echo:$LATEST","concurrency":2}"#,
        r#"{"warmer":true,"target":"echo:7"}"#,
        r#"[{"warmer":true,"concurrency":2},{"warmer":true,"target":"other"}]"#,
        r#"[{"warmer":true},{"warmer":true,"concurrency":3}]"#,
        r#"[{"x":"ordinary"},{"y":"ordinary"}]"#,
        r#"[]"#,
        r#"{"text":"an ordinary event"}"#,
    ];
    let mut cases: Vec<Vec<&str>> = alone.iter().map(|event| vec![*event]).collect();
    let (ping, ordinary) = (r#"{"warmer":true}"#, r#"{"text":"an ordinary event"}"#);
    cases.push(vec![ping, ping, ordinary, ping, ordinary, ping]);
    cases
}

/// A record without times and without the environment's id.
fn timeless(mut record: Value) -> Value {
    let id = record["id"].take();
    assert!(id.as_str().is_some_and(|id| id.contains("-0")), "{record}");
    if record["correlationId"] == id {
        record["correlationId"] = json!("id");
    }
    let seconds = record["lastAccessedSeconds"].take();
    let is_number = seconds.as_str().is_some_and(|seconds| seconds.parse::<f64>().is_ok());
    assert_eq!(is_number, record["lastAccessed"].is_u64(), "{record}");
    record["lastAccessed"] = json!(record["lastAccessed"].is_u64());
    record
}

fn timeless_payload(payload: &Value, ids: &[&str]) -> Value {
    let mut payload = payload.clone();
    if ids.iter().any(|id| payload["__WARMER_CORRELATIONID__"] == *id) {
        payload["__WARMER_CORRELATIONID__"] = json!("id");
    }
    payload
}

/// An invocation in the form of the oracle's SDK calls.
pub fn invocation(request: &Request, ids: &[&str]) -> Value {
    let name = request
        .path
        .strip_prefix("/2015-03-31/functions/")
        .and_then(|path| path.strip_suffix("/invocations"))
        .expect("the path of Invoke");
    let payload = serde_json::from_str(&request.body).expect("JSON");
    json!({
        "FunctionName": name.replace("%3A", ":").replace("%24", "$"),
        "InvocationType": request.headers["x-amz-invocation-type"],
        "LogType": request.headers["x-amz-log-type"],
        "Payload": timeless_payload(&payload, ids),
    })
}

pub fn sorted(mut invocations: Vec<Value>) -> Vec<Value> {
    invocations.sort_by_key(Value::to_string);
    invocations
}

#[test]
fn lambda_warmer_does_the_same() {
    let cases = cases();
    let input: Vec<Value> =
        cases.iter().map(|events| json!({"arn": ARN, "events": events})).collect();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/lambda-warmer/oracle.js");
    let folder = tools().join("lambda-warmer");
    let folder = folder.to_str().expect("UTF-8");
    let expected = tool("node", &[script, folder], &Value::from(input));

    let lambda = Lambda::start(Manner::Accepting);
    let mut function = echo(&[
        ("PILOTLIGHT_WARM_DELAY", "0"),
        ("PILOTLIGHT_WARM_ALLOWED_TARGETS", "other,other:live,echo:7"),
    ]);
    lambda.variables(&mut function);
    for (events, expected) in cases.iter().zip(expected.as_array().expect("a list")) {
        let expected = expected.as_array().expect("a list");
        let served = serve(&function, events.iter().map(|event| with_arn(event)).collect());
        for ((event, answer), expected) in events.iter().zip(&served.answers).zip(expected) {
            let is_ping = expected["result"].as_bool().expect("true or false");
            assert_eq!(answer, if is_ping { crate::warming::WARMED } else { event }, "{event}");
        }
        let all = |field: &str| -> Vec<Value> {
            expected
                .iter()
                .flat_map(|one| one[field].as_array().expect("a list"))
                .cloned()
                .collect()
        };
        let records: Vec<Value> = served.records.iter().cloned().map(timeless).collect();
        let expected_records: Vec<Value> = all("records").into_iter().map(timeless).collect();
        assert_eq!(records, expected_records, "{events:?}");

        let ids: Vec<&str> =
            served.records.iter().filter_map(|record| record["id"].as_str()).collect();
        let found = lambda.take().iter().map(|request| invocation(request, &ids)).collect();
        let oracle_records = all("records");
        let ids: Vec<&str> =
            oracle_records.iter().filter_map(|record| record["id"].as_str()).collect();
        let expected = all("invocations").into_iter().map(|mut invocation| {
            invocation["Payload"] = timeless_payload(&invocation["Payload"], &ids);
            invocation
        });
        assert_eq!(sorted(found), sorted(expected.collect()), "{events:?}");
    }
}

fn with_arn(event: &str) -> crate::support::script::Script {
    let length = event.len();
    answer(format!(
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r1\r\n\
         Lambda-Runtime-Invoked-Function-Arn: {ARN}\r\nContent-Length: {length}\r\n\r\n{event}"
    ))
}
