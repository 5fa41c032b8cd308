//! Events that are no requests.

use serde_json::json;

use super::http_api;
use super::refused;
use super::rest_api;

#[test]
fn events_of_other_kinds_are_refused_in_words() {
    let other = [
        (json!({ "Records": [{ "eventSource": "aws:sqs" }] }), "as events of SQS"),
        (json!({ "detail-type": "x", "source": "y" }), "an event of EventBridge"),
        (rest_api(json!({ "type": "REQUEST", "methodArn": "arn" })), "asks an authorizer"),
        (http_api(json!({ "type": "REQUEST", "routeArn": "arn" })), "asks an authorizer"),
        (
            json!({ "requestContext": { "connectionId": "x", "eventType": "MESSAGE" } }),
            "an event of a WebSocket API",
        ),
        (rest_api(json!({ "requestContext": { "connectionId": "x" } })), "a WebSocket API"),
        (json!({ "httpMethod": "GET", "apiPath": "/" }), "it has no method or no path"),
        (json!({ "raw_path": "/", "method": "GET" }), "structure version to V2"),
        (json!({ "name": "Ada" }), "it has no method or no path; invoke the function through API"),
        (http_api(json!({ "requestContext": { "http": { "method": "A B" } } })), "its method"),
        (http_api(json!({ "body": "*", "isBase64Encoded": true })), "its body is not base64"),
        (http_api(json!({ "rawPath": "/a".repeat(40_000) })), "longer than the 65,534 bytes"),
    ];
    for (event, message) in other {
        let failure = refused(event.to_string().as_bytes());
        assert_eq!(failure.error_type, "InvalidEvent");
        let start = "the event is not a request: ";
        assert!(failure.message.starts_with(start), "{}", failure.message);
        assert!(failure.message.contains(message), "{}", failure.message);
    }
}

#[test]
fn an_event_that_is_not_utf_8_is_refused() {
    let failure = refused(b"{\"path\": \"\xe4\"}");
    assert_eq!(failure.message, "the event is not a request: it is not UTF-8");
}

#[test]
fn members_of_other_types_are_refused_by_their_place() {
    for event in [
        &br#""text""#[..],
        br#"{"headers": 7}"#,
        br#"{"headers": {"a": 7}}"#,
        br#"{"headers": {"a": [["b"]]}}"#,
        br#"{"path": ["a"]}"#,
        br#"{"requestContext": {"http": "GET"}}"#,
        b"",
        "{\"path\": \"/\", \"requestContext\": {}}ä".as_bytes(),
    ] {
        let failure = refused(event);
        assert!(failure.message.contains("line 1 column"), "{}", failure.message);
    }
}
