//! Fan-outs that fail, are refused or are passed on; botocore judges the signatures.

use serde_json::Value;
use serde_json::json;

use crate::support::script::answer;
use crate::support::script::next;
use crate::warming::Served;
use crate::warming::WARMED;
use crate::warming::echo;
use crate::warming::lambda::Lambda;
use crate::warming::lambda::Manner;
use crate::warming::serve;

const THREE: &str = r#"{"warmer":true,"concurrency":3}"#;

fn against(manner: Manner) -> (Lambda, Served) {
    let lambda = Lambda::start(manner);
    let mut function = echo(&[]);
    lambda.variables(&mut function);
    let served = serve(&function, vec![next(THREE)]);
    assert_eq!(served.answers, [WARMED], "{}", served.log);
    (lambda, served)
}

/// The one record other than the ping's own.
fn failure(served: &Served) -> &Value {
    assert_eq!(served.records.len(), 2, "{}", served.log);
    assert_eq!(served.log.lines().count(), 2, "{}", served.log);
    &served.records[1]
}

#[test]
fn refusals_are_one_record_and_the_ping_is_answered() {
    let denied = Manner::Refusing(403, "AccessDeniedException", "not authorized");
    let (lambda, served) = against(denied);
    let record = failure(&served);
    assert_eq!((&record["invoked"], &record["failed"]), (&json!(2), &json!(2)));
    let error = record["error"].as_str().expect("text");
    assert!(error.contains("403, AccessDeniedException: not authorized"), "{error}");
    assert!(error.contains("lambda:InvokeFunction"), "{error}");
    assert_eq!(lambda.take().len(), 2);

    let (_, served) = against(Manner::Refusing(429, "TooManyRequestsException", "Rate Exceeded."));
    assert_eq!(failure(&served)["status"], 429);
    let (_, served) = against(Manner::Failing);
    let error = failure(&served)["error"].as_str().expect("text");
    assert!(error.contains("the function that was invoked failed (Unhandled)"), "{error}");
}

#[test]
fn a_connection_that_breaks_is_replaced_once() {
    let (lambda, served) = against(Manner::Hanging);
    assert_eq!(served.records.len(), 1, "{}", served.log);
    assert_eq!(lambda.take().len(), 3);
}

#[test]
fn only_allowed_functions_are_invoked() {
    let lambda = Lambda::start(Manner::Accepting);
    let mut function = echo(&[("PILOTLIGHT_WARM_MAX_CONCURRENCY", "4")]);
    lambda.variables(&mut function);
    let events = [r#"{"warmer":true,"target":"other"}"#, r#"{"warmer":true,"concurrency":1000}"#];
    let served = serve(&function, events.map(next).to_vec());
    assert_eq!(served.answers, [WARMED, WARMED]);
    assert_eq!(lambda.take().len(), 3);
    let skipped = served.records[1]["skipped"].as_str().expect("text");
    assert!(skipped.contains("PILOTLIGHT_WARM_ALLOWED_TARGETS"), "{skipped}");

    function
        .variables
        .push(("AWS_LAMBDA_INITIALIZATION_TYPE".into(), "provisioned-concurrency".into()));
    let served = serve(&function, vec![next(THREE)]);
    assert_eq!(served.answers, [WARMED]);
    assert_eq!(lambda.take().len(), 0);
    assert!(failure(&served)["skipped"].is_string());
}

#[test]
fn the_tenant_is_passed_on() {
    let lambda = Lambda::start(Manner::Accepting);
    let mut function = echo(&[]);
    lambda.variables(&mut function);
    let event = answer(format!(
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r1\r\n\
         Lambda-Runtime-Aws-Tenant-Id: tenant-1\r\nContent-Length: {}\r\n\r\n{THREE}",
        THREE.len()
    ));
    serve(&function, vec![event]);
    let requests = lambda.take();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| request.headers["x-amz-tenant-id"] == "tenant-1"));
}
