//! The purpose of warming: a ping warms as many environments as it asks for, and that many
//! concurrent invocations find no cold start. Signatures are checked by moto, an independent
//! stand-in for AWS.

use std::thread;

use serde_json::Value;
use serde_json::json;

use crate::support::moto::Moto;
use crate::support::script::next;
use crate::support::served::Served;
use crate::support::served::example;
use crate::support::tool;
use crate::warming::WARMED;
use crate::warming::echo;
use crate::warming::serve;

/// Pings that a busy machine may need until all environments are warm.
const MAX_PINGS: usize = 10;
const CREDENTIALS: &str = "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// Sends concurrent invocations, signed by botocore.
fn invoke(served: &Served, count: usize, event: &Value) -> Vec<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/it/warming/external/invoke.py");
    let input = json!({"url": served.url, "function": "slow", "count": count, "event": event});
    let answers = tool("python/bin/python", &[script], &input);
    answers.as_array().expect("a list").clone()
}

/// Pings until `count` environments are warm, and returns the function's state.
fn warm(served: &Served, count: usize) -> Value {
    let ping = json!({"warmer": true, "concurrency": count});
    for pings in 1..=MAX_PINGS {
        assert_eq!(invoke(served, 1, &ping), ["warmed"], "{}", served.log());
        // A fan-out has been accepted as a whole when its ping is answered.
        let function = served.wait_for("slow", "its pings are answered", |function| {
            function["totals"]["pings"]["count"] == count * pings
        });
        let warm = function["environments"].as_array().map_or(0, Vec::len);
        assert!(warm <= count, "{function:#}");
        if warm == count {
            return function;
        }
    }
    panic!("{MAX_PINGS} pings warm fewer than {count}: {:#}", served.function("slow"));
}

/// With the default delay, for which each child keeps its environment busy. One ping is enough if
/// the machine delivers all children in that time; else the next one of the schedule is.
#[test]
fn pings_warm_as_many_environments_as_they_ask_for() {
    for count in [1, 5, 20] {
        let options = ["--timeout", "60", "--credentials", CREDENTIALS, "--env", "START_MS=20"];
        let served = Served::start(&[&example("slow")], &options);
        let function = warm(&served, count);
        assert_eq!(function["totals"]["pings"]["cold"], count, "{}", served.log());
        assert_eq!(function["totals"]["invocations"], 0);
        assert!(!served.log().contains("\"failed\""), "{}", served.log());

        // No handler has seen a ping, so this is the first invocation of each.
        for answer in invoke(&served, count, &json!({"sleep_ms": 1000})) {
            assert_eq!(answer["invocation"], 1);
        }
        let function = served.function("slow");
        assert_eq!(function["totals"]["cold"], 0, "{function:#}");
        assert_eq!(function["totals"]["warm"], count, "{function:#}");
        assert_eq!(function["environments"].as_array().map(Vec::len), Some(count));
    }
}

#[test]
fn pings_and_invocations_do_not_disturb_each_other() {
    let options = ["--timeout", "60", "--env", "START_MS=1", "--env", "PILOTLIGHT_WARM_DELAY=1"];
    let served = Served::start(&[&example("slow")], &options);
    thread::scope(|scope| {
        for worker in 0..4 {
            let served = &served;
            scope.spawn(move || {
                for _ in 0..10 {
                    if worker % 2 == 0 {
                        let ping = r#"{"warmer":true,"concurrency":3}"#;
                        assert_eq!(served.invoke("slow", ping).text(), WARMED);
                    } else {
                        let answer = served.invoke("slow", r#"{"sleep_ms":2}"#).json();
                        assert!(answer["invocation"].as_u64().is_some_and(|count| count <= 20));
                    }
                }
            });
        }
    });
    assert!(!served.log().contains("\"failed\""), "{}", served.log());
}

#[test]
fn moto_accepts_the_signatures_and_refuses_wrong_ones() {
    let moto = Moto::start(5);
    // AWS requires lambda:InvokeFunction, moto the name of the operation.
    let keys = moto.user(&["lambda:InvokeFunction", "lambda:Invoke"], Some("echo"));
    let run = |secret: String| {
        let mut function = echo(&[]);
        let variables = [
            ("AWS_ENDPOINT_URL", moto.url.clone()),
            ("NO_PROXY", "127.0.0.1".to_owned()),
            ("AWS_ACCESS_KEY_ID", keys.key.clone()),
            ("AWS_SECRET_ACCESS_KEY", secret),
        ];
        function.variables.extend(variables.map(|(name, value)| (name.to_owned(), value)));
        let served = serve(&function, vec![next(r#"{"warmer":true,"concurrency":3}"#)]);
        assert_eq!(served.answers, [WARMED]);
        served.records
    };
    let right = run(keys.secret.clone());
    assert_eq!(right.len(), 1, "{right:?}");
    let wrong = run(format!("{}x", keys.secret));
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert_eq!((&wrong[1]["failed"], &wrong[1]["status"]), (&json!(2), &json!(403)));
    let error = wrong[1]["error"].as_str().expect("text");
    assert!(error.contains("SignatureDoesNotMatch"), "{error}");
}
