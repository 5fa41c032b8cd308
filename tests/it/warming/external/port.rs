//! lambda-warmer-py, the port of lambda-warmer to Python, on the same events. Its children, whose
//! fields it spells in another way, are understood, too.

use serde_json::Value;
use serde_json::json;

use super::oracle::invocation;
use super::oracle::sorted;
use crate::support::script::next;
use crate::support::tool;
use crate::warming::WARMED;
use crate::warming::echo;
use crate::warming::lambda::Lambda;
use crate::warming::lambda::Manner;
use crate::warming::serve;

/// The oracle's request id. The port uses it as the first correlation id, lambda-warmer the
/// environment's id.
const REQUEST: &str = "request";

/// Sequences of events, each for a new environment, that mean the same in Python and JavaScript.
fn cases() -> Vec<Vec<String>> {
    let alone = [
        r#"{"warmer":true}"#,
        r#"{"warmer":true,"concurrency":1}"#,
        r#"{"warmer":true,"concurrency":2}"#,
        r#"{"warmer":1,"concurrency":20}"#,
        r#"{"warmer":"yes","concurrency":0}"#,
        r#"{"warmer":true,"concurrency":null}"#,
        r#"{"warmer":true,"concurrency":3,"__WARMER_CORRELATION_ID__":"c"}"#,
        r#"{"warmer":true,"__WARMER_INVOCATION__":2,"__WARMER_CONCURRENCY__":3,"__WARMER_CORRELATION_ID__":"c"}"#,
        r#"{"warmer":0,"concurrency":3}"#,
        r#"{"warmer":false,"text":"ordinary"}"#,
        r#"{"text":"an ordinary event"}"#,
    ];
    let mut cases: Vec<Vec<String>> = alone.iter().map(|&event| vec![event.to_owned()]).collect();
    let sequence = [alone[0], alone[10], alone[0], alone[7], alone[10]];
    cases.push(sequence.map(str::to_owned).to_vec());
    cases
}

fn ask(cases: &[Vec<String>]) -> Vec<Vec<Value>> {
    let parse = |event: &String| serde_json::from_str(event).expect("JSON");
    let input: Vec<Vec<Value>> =
        cases.iter().map(|events| events.iter().map(parse).collect()).collect();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/lambda-warmer/oracle.py");
    serde_json::from_value(tool("python/bin/python", &[script], &json!(input))).expect("lists")
}

/// The fields of its record that lambda-warmer has, too, by lambda-warmer's names.
fn renamed(record: &Value) -> Value {
    let text = |field: &str| record[field].as_str().expect("text").to_owned();
    let correlation = text("correlation_id");
    json!({
        "action": record["action"],
        "function": format!("{}:{}", text("function_name"), text("function_version")),
        "correlationId": if correlation == REQUEST { "id" } else { correlation.as_str() },
        "count": record["count"],
        "concurrency": record["concurrency"],
        "warm": record["is_warm"],
    })
}

fn shared(mut record: Value) -> Value {
    if record["correlationId"] == record["id"] {
        record["correlationId"] = json!("id");
    }
    let others = ["id", "lastAccessed", "lastAccessedSeconds"];
    record.as_object_mut().expect("a record").retain(|name, _| !others.contains(&name.as_str()));
    record
}

/// An invocation in lambda-warmer's spelling.
fn respelled(mut invocation: Value) -> Value {
    let payload = invocation["Payload"].as_object_mut().expect("an object");
    let id = payload.remove("__WARMER_CORRELATION_ID__").expect("its correlation");
    let id = if id == REQUEST { json!("id") } else { id };
    payload.insert("__WARMER_CORRELATIONID__".to_owned(), id);
    invocation["LogType"] = json!("None");
    invocation
}

#[test]
fn lambda_warmers_port_does_the_same() {
    let cases = cases();
    let lambda = Lambda::start(Manner::Accepting);
    let mut function = echo(&[("PILOTLIGHT_WARM_DELAY", "0")]);
    lambda.variables(&mut function);
    let mut children = Vec::new();
    for (events, expected) in cases.iter().zip(ask(&cases)) {
        let served = serve(&function, events.iter().map(|event| next(event)).collect());
        for ((event, answer), expected) in events.iter().zip(&served.answers).zip(&expected) {
            let is_handled = expected["handled"].as_bool().expect("true or false");
            assert_eq!(answer, if is_handled { event } else { WARMED }, "{event}");
        }
        let all = |field: &str| -> Vec<Value> {
            let lists = expected.iter().map(|one| one[field].as_array().expect("a list"));
            lists.flatten().cloned().collect()
        };
        let ids: Vec<&str> =
            served.records.iter().filter_map(|record| record["id"].as_str()).collect();
        let found = lambda.take().iter().map(|request| invocation(request, &ids)).collect();
        let sent = all("invocations");
        let respelled = sent.iter().cloned().map(respelled).collect();
        assert_eq!(sorted(found), sorted(respelled), "{events:?}");
        children.extend(sent.iter().map(|call| call["Payload"].to_string()));
        let records: Vec<Value> = served.records.into_iter().map(shared).collect();
        let expected: Vec<Value> = all("records").iter().map(renamed).collect();
        assert_eq!(records, expected, "{events:?}");
    }

    // The runtime serves the port's children.
    let served = serve(&function, children.iter().map(|event| next(event)).collect());
    assert!(served.answers.iter().all(|answer| answer == WARMED), "{:?}", served.answers);
    assert_eq!(lambda.take().len(), 0);
    assert_eq!((children.len(), served.records.len()), (22, 22), "{}", served.log);
    for (child, record) in children.iter().zip(&served.records) {
        let child: Value = serde_json::from_str(child).expect("JSON");
        assert_eq!(record["count"], child["__WARMER_INVOCATION__"]);
        assert_eq!(record["concurrency"], child["__WARMER_CONCURRENCY__"]);
        assert_eq!(record["correlationId"], child["__WARMER_CORRELATION_ID__"]);
    }
}
