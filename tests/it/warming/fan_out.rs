//! Fan-outs that fail or are refused.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use super::Served;
use super::WARMED;
use super::echo;
use super::lambda::Lambda;
use super::lambda::Manner;
use super::serve;
use crate::support;
use crate::support::script::answer;
use crate::support::script::next;

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
fn no_network_is_one_record() {
    let mut function = echo(&[]);
    Lambda::start(Manner::Accepting).variables(&mut function);
    let nowhere = format!("http://127.0.0.1:{}", support::free_port());
    function.variables.push(("AWS_ENDPOINT_URL_LAMBDA".into(), nowhere));
    let served = serve(&function, vec![next(THREE), next(THREE)]);
    assert_eq!(served.answers, [WARMED, WARMED]);
    let errors: Vec<_> =
        served.records.iter().filter_map(|record| record["error"].as_str()).collect();
    assert_eq!(errors.len(), 2, "{}", served.log);
    assert!(errors[0].contains("Connection refused"), "{errors:?}");
}

#[test]
fn pings_are_answered_without_the_module() {
    let whole = fs::read(support::dist("layer/pilotlight/services.so")).expect("the module");
    for (content, message) in
        [(None, "errno 2"), (Some(&whole[..100_000]), "is cut off"), (Some(&b""[..]), "is empty")]
    {
        let layer = TempDir::new().expect("a folder");
        fs::copy(support::bootstrap(), layer.path().join("bootstrap")).expect("copied");
        fs::create_dir(layer.path().join("pilotlight")).expect("made");
        symlink(support::dist("layer/pilotlight/libc.so"), layer.path().join("pilotlight/libc.so"))
            .expect("linked");
        if let Some(content) = content {
            fs::write(layer.path().join("pilotlight/services.so"), content).expect("written");
        }
        let mut function = echo(&[]);
        function.bootstrap = layer.path().join("bootstrap");
        let served = serve(&function, vec![next(THREE), next("{}"), next(THREE)]);
        assert_eq!(served.answers, [WARMED, "{}", WARMED]);
        let lines: Vec<&str> =
            served.log.lines().filter(|line| line.contains("services.so")).collect();
        assert_eq!(lines.len(), 1, "{}", served.log);
        assert!(lines[0].contains(message), "{}", lines[0]);
    }
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
