//! Function URLs: converts HTTP requests to events of payload format 2.0.
//!
//! Source: "Invoking Lambda function URLs" in Lambda's developer guide. With credentials, the
//! authentication type is `AWS_IAM`, otherwise `NONE`.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::body::Incoming;
use hyper::header::COOKIE;
use serde_json::Value;
use serde_json::json;
use time::OffsetDateTime;
use time::macros::format_description;

use super::HttpResponse;
use super::Lambda;
use super::ServiceError;
use super::head;
use super::head::Head;
use super::head::percent_decode;
use super::url_answer;
use crate::function::MAX_PAYLOAD;
use crate::identifiers;
use crate::placement::Request;

/// Answers a request to the function `name`; `target` is the path and query that the function sees.
pub async fn respond(
    lambda: &Lambda,
    name: &str,
    target: &str,
    head: &Head,
    body: Incoming,
) -> Result<HttpResponse, ServiceError> {
    // Lambda's own limit includes what the format adds to a body.
    let body = head::read(body, MAX_PAYLOAD).await?;
    lambda.access.check_signature(head, &body)?;
    let named = lambda.find(name, None)?;
    let request_id = identifiers::uuid();
    let event = event(name, target, head, &body, &request_id);
    let request = Request {
        request_id: request_id.clone(),
        event: event.to_string().into_bytes(),
        trace_id: head.header("x-amzn-trace-id").map(str::to_owned),
        arn: named.arn.clone(),
        ..Request::default()
    };
    let running = lambda.run(&named, request, head.received, true)?;
    Ok(url_answer::of(running).await?.with("x-amzn-RequestId", &request_id))
}

/// Converts a request to an event.
fn event(name: &str, target: &str, head: &Head, body: &[u8], request_id: &str) -> Value {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let mut headers = BTreeMap::<String, String>::new();
    let mut cookies = Vec::new();
    for (name, value) in &head.parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        if name == COOKIE {
            cookies.extend(value.split(';').map(|cookie| cookie.trim().to_owned()));
        } else {
            add(&mut headers, name.as_str().to_owned(), &value);
        }
    }
    let mut parameters = BTreeMap::<String, String>::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |text: &str| percent_decode(&text.replace('+', " "));
        add(&mut parameters, decode(name), &decode(value));
    }
    let now = OffsetDateTime::now_utc();
    let form =
        format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
    let since_epoch = Duration::try_from(now - OffsetDateTime::UNIX_EPOCH).unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": name,
            "domainName": head.authority().unwrap_or_default(),
            "domainPrefix": name,
            "http": {
                "method": head.method(),
                "path": path,
                "protocol": format!("{:?}", head.parts.version),
                "sourceIp": head.client.to_string(),
                "userAgent": head.header("user-agent").unwrap_or_default(),
            },
            "requestId": request_id,
            "routeKey": "$default",
            "stage": "$default",
            "time": now.format(form).unwrap_or_default(),
            "timeEpoch": u64::try_from(since_epoch.as_millis()).unwrap_or_default(),
        },
        "isBase64Encoded": false,
    });
    if !cookies.is_empty() {
        event["cookies"] = cookies.into();
    }
    if !parameters.is_empty() {
        event["queryStringParameters"] = json!(parameters);
    }
    if !body.is_empty() {
        let text = std::str::from_utf8(body).ok().filter(|_| is_text(head));
        event["isBase64Encoded"] = text.is_none().into();
        event["body"] = text.map_or_else(|| BASE64_STANDARD.encode(body), str::to_owned).into();
    }
    event
}

/// Adds a value; the values of one name are joined with commas.
fn add(values: &mut BTreeMap<String, String>, name: String, value: &str) {
    let joined = values.entry(name).or_default();
    if !joined.is_empty() {
        joined.push(',');
    }
    joined.push_str(value);
}

fn is_text(head: &Head) -> bool {
    let kind = head.header("content-type").unwrap_or("text/plain").to_ascii_lowercase();
    kind.starts_with("text/")
        || ["json", "xml", "javascript"].iter().any(|word| kind.contains(word))
}
