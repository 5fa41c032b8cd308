//! Requests from events.

use std::collections::BTreeMap;

use http::Method;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use super::arrived;
use super::http_api;
use super::rest_api;
use crate::Context;
use crate::http::Front;
use crate::http::Invocation;
use crate::http::RequestContext;
use crate::http::request;
use crate::http::settings::Stage;

#[test]
fn format_2_keeps_the_query_and_the_cookies_as_they_were_sent() {
    let event = http_api(json!({
        "rawPath": "/a%20b/\u{e4}",
        "rawQueryString": "x=1&x=2&y=%C3%A4+z&q=%",
        "queryStringParameters": { "x": "1,2", "y": "ä z" },
        "cookies": ["a=1", "b=2"],
        "headers": { "host": "example.org", "x-two": "1,2" },
        "body": "text\n",
    }));
    let request = arrived(&event).request;
    assert_eq!(request.method(), Method::GET);
    let uri = "https://example.org/a%20b/%C3%A4?x=1&x=2&y=%C3%A4+z&q=%";
    assert_eq!(request.uri(), uri);
    assert_eq!(request.headers()["cookie"], "a=1; b=2");
    assert_eq!(request.headers()["x-two"], "1,2");
    assert_eq!(&request.body()[..], b"text\n");
}

#[test]
fn keys_of_other_kinds_may_be_null() {
    let event = http_api(json!({ "kind": "REQUEST", "methodArn": null, "Records": null }));
    assert_eq!(arrived(&event).front, Front::HttpApi);
}

#[test]
fn a_rest_api_s_values_are_encoded_again_and_repeated() {
    let event = rest_api(json!({
        "httpMethod": "POST",
        "path": "/a",
        "multiValueHeaders": { "Accept": ["a/b", "c/d"], "X-Forwarded-Proto": ["https"] },
        "headers": { "Accept": "c/d" },
        "multiValueQueryStringParameters": { "x y": ["1&2", "ä"], "z": [""] },
        "queryStringParameters": { "x y": "ä", "z": "" },
        "requestContext": { "stage": "prod", "path": "/prod/a", "domainName": "d.example" },
        "body": "/wA=",
        "isBase64Encoded": true,
    }));
    let request = arrived(&event).request;
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.uri(), "https://d.example/a?x%20y=1%262&x%20y=%C3%A4&z=");
    let accepted: Vec<_> = request.headers().get_all("accept").iter().collect();
    assert_eq!(accepted, ["a/b", "c/d"]);
    assert_eq!(&request.body()[..], [0xff, 0]);
}

#[test]
fn single_values_serve_where_there_are_no_lists() {
    let event = rest_api(json!({
        "multiValueHeaders": null,
        "headers": { "host": "h.example:8080", "x-forwarded-proto": "http" },
        "queryStringParameters": { "a": "1" },
    }));
    assert_eq!(arrived(&event).request.uri(), "http://h.example:8080/?a=1");
}

#[test]
fn a_load_balancer_s_query_is_as_it_was_sent() {
    let event = |name: &str| {
        json!({
            "requestContext": { "elb": { "targetGroupArn": "arn" } },
            "httpMethod": "GET",
            "path": "/p",
            name: { "k": "%3Fa%3D1", "l": ["1", "2"] },
            "headers": { "host": "b.elb.amazonaws.com", "x-forwarded-proto": "http" },
            "body": "",
            "isBase64Encoded": false,
        })
    };
    for (name, multi_value) in
        [("queryStringParameters", false), ("multiValueQueryStringParameters", true)]
    {
        let arrived = arrived(&event(name));
        assert_eq!(arrived.front, Front::LoadBalancer { multi_value });
        let uri = "http://b.elb.amazonaws.com/p?k=%3Fa%3D1&l=1&l=2";
        assert_eq!(arrived.request.uri(), uri);
        assert!(!arrived.can_stream);
    }
}

#[test]
fn vpc_lattice_has_lists_of_values() {
    let event = json!({
        "version": "2.0",
        "path": "/health",
        "method": "PUT",
        "headers": { "multi": ["x", "y"] },
        "queryStringParameters": { "state": ["prod"], "multi": ["a%20b", "c"] },
        "body": null,
        "isBase64Encoded": false,
        "requestContext": { "serviceArn": "arn" },
    });
    let arrived = arrived(&event);
    assert_eq!(arrived.front, Front::Lattice);
    assert_eq!(arrived.request.method(), Method::PUT);
    assert_eq!(arrived.request.uri(), "/health?multi=a%20b&multi=c&state=prod");
    assert_eq!(arrived.request.headers().get_all("multi").iter().count(), 2);
    assert!(arrived.request.body().is_empty());
}

#[test]
fn paths_have_no_stage_unless_it_is_kept() {
    let path = |event: &Value, stage| {
        let arrived = request::request(event.to_string().as_bytes(), stage).expect("a request");
        arrived.request.uri().path().to_owned()
    };
    let http = |path: &str, stage: &str| {
        http_api(json!({
            "rawPath": path,
            "requestContext": { "http": { "method": "GET" }, "stage": stage },
        }))
    };
    let rest = |path: &str, sent: &str| {
        rest_api(json!({ "path": path, "requestContext": { "stage": "prod", "path": sent } }))
    };
    let cases = [
        (http("/prod/a", "prod"), "/a", "/prod/a"),
        (http("/prod", "prod"), "/", "/prod"),
        (http("/products", "prod"), "/products", "/products"),
        (http("/a", "prod"), "/a", "/a"),
        (http("/$default/a", "$default"), "/$default/a", "/$default/a"),
        (rest("/a", "/prod/a"), "/a", "/prod/a"),
        (rest("/prod/a", "/prod/prod/a"), "/prod/a", "/prod/prod/a"),
        // A custom domain whose mapping names no stage, and one that does.
        (rest("/prod/a", "/prod/a"), "/a", "/prod/a"),
        (rest("/v1/a", "/v1/a"), "/v1/a", "/v1/a"),
    ];
    for (event, stripped, kept) in cases {
        assert_eq!(path(&event, Stage::Strip), stripped, "{event}");
        assert_eq!(path(&event, Stage::Keep), kept, "{event}");
    }
}

#[test]
fn a_decoded_path_is_encoded_where_no_path_allows_it() {
    let event = http_api(json!({ "rawPath": "/a b/100%/%41?#\"{}" }));
    assert_eq!(arrived(&event).request.uri().path(), "/a%20b/100%25/%41%3F%23%22%7B%7D");
    let event = http_api(json!({ "rawPath": "" }));
    assert_eq!(arrived(&event).request.uri().path(), "/");
}

#[test]
fn a_host_that_is_none_leaves_the_path_as_it_is() {
    for host in ["evil.example/b", "a@b", "a b", "", "[", "ä"] {
        let event = http_api(json!({
            "headers": { "host": host },
            "requestContext": { "http": { "method": "GET" } },
            "rawPath": "/a",
        }));
        assert_eq!(arrived(&event).request.uri(), "/a", "{host}");
        let event = http_api(json!({ "headers": { "host": host }, "rawPath": "/a" }));
        let expected = "https://x.lambda-url.eu-west-1.on.aws/a";
        assert_eq!(arrived(&event).request.uri(), expected, "{host}");
    }
}

#[test]
fn headers_that_http_does_not_allow_are_left_out() {
    let headers = json!({ "a": "ä", "b c": "1", "d": "1\r\ne: 2", "f": "", "g": null });
    let request = arrived(&http_api(json!({ "headers": headers }))).request;
    assert_eq!(request.headers()["a"].as_bytes(), "ä".as_bytes());
    assert_eq!(request.headers()["f"], "");
    assert_eq!(request.headers().len(), 2);
}

#[test]
fn the_context_is_parsed_when_it_is_asked_for() {
    #[derive(Deserialize)]
    struct Context<'a> {
        #[serde(borrow)]
        authorizer: Authorizer<'a>,
    }
    #[derive(Deserialize)]
    struct Authorizer<'a> {
        iam: &'a str,
    }
    let event = http_api(json!({
        "requestContext": { "http": { "method": "GET" }, "authorizer": { "iam": "Ada" } },
        "pathParameters": { "id": "7" },
    }));
    let request = arrived(&event).request;
    let context: &RequestContext = request.extensions().get().expect("a context");
    assert_eq!(context.front(), Front::HttpApi);
    assert_eq!(context.parse::<Context>().expect("a context").authorizer.iam, "Ada");
    let parameters: Option<BTreeMap<&str, &str>> = context.path_parameters().expect("a map");
    assert_eq!(parameters.expect("some")["id"], "7");
    assert_eq!(context.stage_variables::<()>().expect("null"), ());
}

#[test]
fn the_context_is_the_event_s_own_text() {
    let context = r#"{ "http" : {"method":"GET"}, "a" : [ "}" , "," ] }"#;
    for event in [
        format!(r#"{{"rawPath":"/","requestContext":{context}}}"#),
        format!("{{ \"requestContext\"\t:\n{context}\r\n, \"rawPath\" : \"/\" }} \n"),
        format!(r#"{{"requestContext":{context} ,"pathParameters": null,"rawPath":"/"}}"#),
    ] {
        let request = request::request(event.as_bytes(), Stage::Strip).expect("a request").request;
        let kept: &RequestContext = request.extensions().get().expect("a context");
        assert_eq!(kept.json(), context, "{event}");
        assert_eq!(kept.path_parameters::<Option<u8>>().expect("null"), None);
    }
}

#[test]
fn the_invocation_has_what_its_context_has() {
    let invocation = Invocation::of(&Context::default());
    assert_eq!((invocation.request_id(), invocation.trace_id()), ("", None));
    assert_eq!((invocation.deadline(), invocation.remaining()), (None, None));
}
