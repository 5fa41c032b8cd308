//! The `context` example: what reaches a handler of what the server said, and what does not.

use pilotlight_local::environment::INIT_LIMIT;
use pilotlight_local::function::Function;
use pilotlight_local::runtime_api::Invocation;
use pilotlight_local::runtime_api::Outcome;
use serde_json::Value;
use serde_json::json;

use crate::support;

/// Invokes `context` with these headers, in one environment after the other invocations.
fn contexts(invocations: &[&[(&str, &str)]]) -> Vec<Value> {
    contexts_of(&support::example("context"), invocations)
}

fn contexts_of(function: &Function, invocations: &[&[(&str, &str)]]) -> Vec<Value> {
    let environment = support::start(function);
    environment.wait_initialised(INIT_LIMIT).expect("initialised");
    let contexts = invocations.iter().enumerate().map(|(number, headers)| {
        let invocation = Invocation {
            request_id: format!("request-{number}"),
            event: b"{}".to_vec(),
            headers: headers.iter().map(|&(name, value)| (name.into(), value.into())).collect(),
            ..Invocation::default()
        };
        let ended = environment.invoke(invocation, support::PATIENCE).expect("answered");
        match ended.outcome {
            Outcome::Response(body) => serde_json::from_slice(&body).expect("JSON"),
            other => panic!("{other:?}"),
        }
    });
    contexts.collect()
}

#[test]
fn everything_that_the_server_says_reaches_the_handler() {
    let context = contexts(&[&[
        ("Lambda-Runtime-Deadline-Ms", "4102444800000"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-1:1:function:f:live"),
        ("LAMBDA-RUNTIME-TRACE-ID", "Root=1-2-3;Sampled=1"),
        ("Lambda-Runtime-Client-Context", r#"{"custom":{"a":"b c"}}"#),
        ("Lambda-Runtime-Cognito-Identity", r#"{"cognitoIdentityId":"i"}"#),
        ("Lambda-Runtime-Aws-Tenant-Id", "tenant 1"),
        ("X-Other", "ignored"),
    ]])
    .remove(0);
    let remaining = context["remainingMs"].as_u64().expect("a number");
    assert!(remaining > 1_000_000_000_000, "{remaining}");
    let mut context = context;
    context["remainingMs"] = Value::Null;
    let expected = json!({
        "requestId": "request-0",
        "deadlineMs": 4_102_444_800_000_u64,
        "remainingMs": null,
        "invokedFunctionArn": "arn:aws:lambda:eu-west-1:1:function:f:live",
        "traceId": "Root=1-2-3;Sampled=1",
        "traceIdVariable": "Root=1-2-3;Sampled=1",
        "clientContext": r#"{"custom":{"a":"b c"}}"#,
        "cognitoIdentity": r#"{"cognitoIdentityId":"i"}"#,
        "tenantId": "tenant 1",
        "functionName": "context",
        "functionVersion": "$LATEST",
        "memorySizeMb": 128,
        "warmCount": 0,
    });
    assert_eq!(context, expected);
}

#[test]
fn what_a_reader_has_found_in_the_environment_stays() {
    let (_folder, library) = support::fixture_in_c("traces");
    let function = support::function(&library, None);
    let environment = support::start(&function);
    environment.wait_initialised(INIT_LIMIT).expect("initialised");
    for number in 0..100 {
        // Of any length; every seventh has none, and the last one more than has room in a variable.
        let id = "t".repeat(if number == 99 { 600 } else { 1 + number * 37 % 200 });
        let headers = [("Lambda-Runtime-Trace-Id".to_owned(), id.clone())];
        let invocation = Invocation {
            request_id: format!("request-{number}"),
            event: b"{}".to_vec(),
            headers: headers.into_iter().filter(|_| number % 7 != 6).collect(),
            ..Invocation::default()
        };
        let ended = environment.invoke(invocation, support::PATIENCE).expect("answered");
        let seen = if number % 7 == 6 || number == 99 { "none" } else { id.as_str() };
        let expected = format!("0 texts, 0 entries, {seen}");
        let Outcome::Response(body) = ended.outcome else { panic!("{:?}", ended.outcome) };
        assert_eq!(String::from_utf8_lossy(&body), expected, "{number}");
    }
}

#[test]
fn the_trace_id_is_unset_again_and_absent_values_are_null() {
    let contexts = contexts(&[
        &[],
        &[("Lambda-Runtime-Trace-Id", "Root=1")],
        &[("Lambda-Runtime-Trace-Id", ""), ("Lambda-Runtime-Deadline-Ms", "soon")],
        &[("Lambda-Runtime-Deadline-Ms", "600000")],
    ]);
    let variables: Vec<_> = contexts.iter().map(|context| &context["traceIdVariable"]).collect();
    assert_eq!(variables, [&Value::Null, &json!("Root=1"), &Value::Null, &Value::Null]);
    assert_eq!(contexts[2]["deadlineMs"], Value::Null);
    assert_eq!(contexts[2]["remainingMs"], Value::Null);
    assert_eq!(contexts[3]["remainingMs"], json!(0));
    assert_eq!(contexts[0]["tenantId"], Value::Null);
}

#[test]
fn functions_of_lambda_runtime_get_the_same_in_its_fields() {
    let library = support::fixture_crate("asynchronous");
    let function = support::function(&library, Some("moved"));
    let contexts = contexts_of(
        &function,
        &[
            &[
                ("Lambda-Runtime-Deadline-Ms", "4102444800000"),
                ("Lambda-Runtime-Invoked-Function-Arn", "arn:f:live"),
                ("Lambda-Runtime-Trace-Id", "Root=1"),
                ("Lambda-Runtime-Client-Context", r#"{"client":{"app_title":"shop"}}"#),
                ("Lambda-Runtime-Cognito-Identity", r#"{"cognitoIdentityId":"i"}"#),
                ("Lambda-Runtime-Aws-Tenant-Id", "tenant 1"),
            ],
            &[("Lambda-Runtime-Client-Context", "{"), ("Lambda-Runtime-Cognito-Identity", "[]")],
        ],
    );
    let log_group = contexts[0]["log_group"].as_str().expect("text");
    assert!(log_group.starts_with("/aws/lambda/"), "{log_group}");
    let expected = json!({
        "payload": {},
        "request_id": "request-0",
        "deadline": 4_102_444_800_000_u64,
        "invoked_function_arn": "arn:f:live",
        "xray_trace_id": "Root=1",
        "client": "shop",
        "identity": "i",
        "tenant_id": "tenant 1",
        "function": "asynchronous",
        "log_group": log_group,
    });
    assert_eq!(contexts[0], expected);
    // Any caller can send these two, so malformed ones must not fail the invocation.
    assert_eq!(contexts[1]["request_id"], "request-1");
    assert_eq!(contexts[1]["client"], Value::Null);
    assert_eq!(contexts[1]["identity"], Value::Null);
}
