//! Events of each service, and responses to them.

mod refusals;
mod requests;
mod responses;
mod round_trips;
mod streams;

use serde_json::Value;
use serde_json::json;

use super::request;
use super::request::Arrived;
use super::settings::Stage;
use crate::failure::Failure;

fn arrived(event: &Value) -> Arrived {
    request::request(event.to_string().as_bytes(), Stage::Strip).expect("a request")
}

fn refused(event: &[u8]) -> Failure {
    request::request(event, Stage::Strip).expect_err("refused")
}

/// An event of format 2.0, with these members instead of its own.
fn http_api(members: Value) -> Value {
    let event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": { "host": "example.org" },
        "requestContext": { "domainName": "x.lambda-url.eu-west-1.on.aws", "http": { "method": "GET", "path": "/" }, "stage": "$default" },
        "isBase64Encoded": false,
    });
    with(event, members)
}

/// An event of a REST API, likewise.
fn rest_api(members: Value) -> Value {
    let event = json!({
        "resource": "/{proxy+}",
        "path": "/",
        "httpMethod": "GET",
        "headers": null,
        "multiValueHeaders": { "Host": ["example.org"] },
        "queryStringParameters": null,
        "multiValueQueryStringParameters": null,
        "requestContext": { "stage": "prod", "path": "/prod/" },
        "body": null,
        "isBase64Encoded": false,
    });
    with(event, members)
}

fn with(mut event: Value, members: Value) -> Value {
    let members = members.as_object().expect("an object").clone();
    event.as_object_mut().expect("an object").extend(members);
    event
}
