//! Responses as JSON.

use http::Response;
use serde_json::Value;
use serde_json::json;

use crate::http::Front;
use crate::http::response::whole;

fn written(front: Front, response: Response<&[u8]>) -> Value {
    let (parts, body) = response.into_parts();
    serde_json::from_slice(&whole(front, &parts, body)).expect("JSON")
}

fn response(body: &[u8]) -> Response<&[u8]> {
    let builder = Response::builder().status(404).header("x-a", "1").header("x-a", "2");
    let builder = builder.header("set-cookie", "a=1").header("set-cookie", "b=2");
    builder.body(body).expect("a response")
}

#[test]
fn each_service_gets_the_form_that_it_reads() {
    let lists = json!({ "x-a": ["1", "2"], "set-cookie": ["a=1", "b=2"] });
    let body = |mut head: Value| {
        head["statusCode"] = 404.into();
        head["body"] = "é\n\"".into();
        head["isBase64Encoded"] = false.into();
        head
    };
    let joined = json!({ "x-a": "1, 2", "set-cookie": "a=1", "Set-cookie": "b=2" });
    let expected = [
        (Front::RestApi, body(json!({ "multiValueHeaders": lists }))),
        (Front::HttpApiV1, body(json!({ "multiValueHeaders": lists }))),
        (Front::HttpApi, body(json!({ "headers": { "x-a": "1, 2" }, "cookies": ["a=1", "b=2"] }))),
        (
            Front::LoadBalancer { multi_value: true },
            body(json!({ "statusDescription": "404 Not Found", "multiValueHeaders": lists })),
        ),
        (
            Front::LoadBalancer { multi_value: false },
            body(json!({ "statusDescription": "404 Not Found", "headers": joined })),
        ),
        (Front::Lattice, body(json!({ "statusDescription": "404 Not Found", "headers": joined }))),
    ];
    for (front, expected) in expected {
        assert_eq!(written(front, response("é\n\"".as_bytes())), expected, "{front:?}");
    }
}

#[test]
fn a_response_without_headers_is_one_too() {
    let empty = written(Front::HttpApi, Response::new(b""));
    assert_eq!((&empty["headers"], &empty["cookies"]), (&json!({}), &json!([])));
    assert_eq!((&empty["statusCode"], &empty["body"]), (&200.into(), &"".into()));
    assert_eq!(written(Front::RestApi, Response::new(b""))["multiValueHeaders"], json!({}));
}

#[test]
fn the_bytes_and_their_encoding_decide_about_base64() {
    let encoded = |encoding: &str, body: &'static [u8]| {
        let response = Response::builder().header("content-encoding", encoding);
        let answer = written(Front::HttpApi, response.body(body).expect("a response"));
        (answer["isBase64Encoded"] == true, answer["body"].as_str().expect("text").to_owned())
    };
    assert_eq!(encoded("identity", b"a"), (false, "a".into()));
    assert_eq!(encoded("gzip", b"a"), (true, "YQ==".into()));
    assert_eq!(encoded("identity", b"\xff\0"), (true, "/wA=".into()));
    assert_eq!(encoded("br", b""), (true, String::new()));
}

#[test]
fn a_header_that_is_not_utf_8_is_latin_1() {
    let response = Response::builder().header("a", &b"\xe4"[..]).header("b", "ä".as_bytes());
    let answer = written(Front::HttpApi, response.body(&b""[..]).expect("a response"));
    assert_eq!(answer["headers"], json!({ "a": "ä", "b": "ä" }));
}
