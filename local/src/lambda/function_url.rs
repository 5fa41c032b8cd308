//! Function URLs: HTTP requests as events of payload format 2.0, and answers the other way.
//!
//! Source: "Invoking Lambda function URLs" in Lambda's developer guide. A function that streams its
//! response has it passed through as it comes, as with the invoke mode `RESPONSE_STREAM`.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::http::Answer;
use crate::http::ChunkedAnswer;
use crate::http::Connection;
use crate::http::Head;
use crate::http::percent_decode;
use crate::identifiers;
use crate::placement::Request;
use crate::runtime_api::Outcome;
use crate::runtime_api::Piece;

use super::Lambda;
use super::Refusal;
use super::invoke;

/// The largest event, with all that the format adds.
const MOST_EVENT: usize = 6 << 20;
/// A streamed answer that begins with its status and headers, as JSON and eight zeros behind it.
const WITH_PRELUDE: &str = "application/vnd.awslambda.http-integration-response";
/// The largest prelude.
const MOST_PRELUDE: usize = 1 << 20;

/// Answers a request to the function `name`; `target` is the path and query as the function sees it.
pub fn respond(
    lambda: &Lambda,
    name: &str,
    target: &str,
    head: &Head,
    connection: &mut Connection,
) -> io::Result<bool> {
    let found = invoke::read(head, connection, MOST_EVENT)?
        .and_then(|body| lambda.find(name, None).map(|named| (named, body)));
    let (named, body) = match found {
        Ok(found) => found,
        Err(refusal) => return connection.write(head, &refusal.answer()),
    };
    let request_id = identifiers::uuid();
    let event = event(name, target, head, &body, &request_id);
    let request = Request {
        request_id: request_id.clone(),
        event: event.to_string().into_bytes(),
        trace_id: head.header("X-Amzn-Trace-Id").map(str::to_owned),
        arn: named.arn.clone(),
        ..Request::default()
    };
    let mut sink = Sink { head, state: State::Waiting(connection), gathered: Vec::new() };
    let mut pass_on = |piece| sink.take(piece);
    let done = named.placement.invoke(request, head.received, Some(&mut pass_on));
    let outcome = done.map(|done| done.result.map(|ended| ended.outcome));
    match sink.state {
        State::Streaming(answer) => match outcome {
            Ok(Ok(Outcome::Response(_))) => answer.end(),
            // The client is to see that the answer is not whole: no last chunk.
            _ => Ok(false),
        },
        State::Gone => Ok(false),
        State::Waiting(connection) | State::Prelude(connection) | State::Whole(connection) => {
            let answer = match outcome {
                Ok(Ok(Outcome::Response(_))) => whole(&sink.gathered),
                Err(throttled) => Refusal::from(throttled).answer(),
                _ => Answer {
                    status: 502,
                    body: b"Internal Server Error".into(),
                    ..Answer::default()
                },
            };
            connection.write(head, &answer.with("x-amzn-RequestId", request_id))
        }
    }
}

/// Where a function's answer goes.
struct Sink<'a> {
    head: &'a Head,
    state: State<'a>,
    /// What has come before it could be passed on.
    gathered: Vec<u8>,
}

enum State<'a> {
    Waiting(&'a mut Connection),
    /// It is streamed, and its prelude is not whole yet.
    Prelude(&'a mut Connection),
    /// It is not streamed.
    Whole(&'a mut Connection),
    Streaming(ChunkedAnswer<'a>),
    /// The client has gone away.
    Gone,
}

impl Sink<'_> {
    fn take(&mut self, piece: Piece) {
        self.state = match (std::mem::replace(&mut self.state, State::Gone), piece) {
            (State::Waiting(connection), Piece::Begun { streamed: false, .. }) => {
                State::Whole(connection)
            }
            (State::Waiting(connection), Piece::Begun { content_type, .. }) => {
                if content_type.as_deref() == Some(WITH_PRELUDE) {
                    State::Prelude(connection)
                } else {
                    let kind = content_type.unwrap_or_else(|| "application/octet-stream".into());
                    let answer = Answer { status: 200, ..Answer::default() };
                    begin(connection, self.head, &answer.with("Content-Type", kind))
                }
            }
            (State::Prelude(connection), Piece::Bytes(bytes)) => {
                self.gathered.extend(bytes);
                let zeros = self.gathered.windows(8).position(|eight| eight == [0; 8]);
                match zeros {
                    Some(end) => {
                        let body = self.gathered.split_off(end + 8);
                        let prelude = serde_json::from_slice(&self.gathered[..end]);
                        let answer = integration(prelude.unwrap_or_default(), body);
                        begin(connection, self.head, &answer)
                    }
                    None if self.gathered.len() > MOST_PRELUDE => State::Gone,
                    None => State::Prelude(connection),
                }
            }
            (State::Streaming(mut answer), Piece::Bytes(bytes)) => match answer.piece(&bytes) {
                Ok(()) => State::Streaming(answer),
                Err(_) => State::Gone,
            },
            (state, Piece::Bytes(bytes)) => {
                self.gathered.extend(bytes);
                state
            }
            (state, Piece::Begun { .. }) => state,
        };
    }
}

fn begin<'a>(connection: &'a mut Connection, head: &Head, answer: &Answer) -> State<'a> {
    connection.stream(head, answer).map_or(State::Gone, State::Streaming)
}

/// The answer that a whole response stands for: with a status it describes one, and anything else
/// is the body itself.
fn whole(response: &[u8]) -> Answer {
    match serde_json::from_slice::<Value>(response) {
        Ok(Value::Object(mut described)) if described.contains_key("statusCode") => {
            let body = match described.remove("body") {
                Some(Value::String(body)) => body,
                None | Some(Value::Null) => String::new(),
                Some(other) => other.to_string(),
            };
            let encoded = described.get("isBase64Encoded") == Some(&Value::Bool(true));
            let body = match encoded.then(|| BASE64_STANDARD.decode(&body)) {
                Some(Ok(bytes)) => bytes,
                _ => body.into_bytes(),
            };
            integration(Value::Object(described), body)
        }
        Ok(Value::String(text)) => crate::http::json(200, text),
        _ => crate::http::json(200, response),
    }
}

/// An answer with the status, headers and cookies that a function has described.
fn integration(described: Value, body: Vec<u8>) -> Answer {
    let status = described["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
    let mut answer = Answer { status: status.unwrap_or(200), headers: Vec::new(), body };
    for (name, value) in described["headers"].as_object().unwrap_or(&Map::new()) {
        // The framing is ours.
        let framing = ["content-length", "transfer-encoding", "connection"];
        let valid = name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        if valid && !name.is_empty() && !framing.contains(&name.to_ascii_lowercase().as_str()) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            answer = answer.with(name, value);
        }
    }
    for cookie in described["cookies"].as_array().unwrap_or(&Vec::new()) {
        answer = answer.with("Set-Cookie", cookie.as_str().unwrap_or_default());
    }
    if !answer.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        answer = answer.with("Content-Type", "application/json");
    }
    answer
}

/// The event that a request becomes.
fn event(name: &str, target: &str, head: &Head, body: &[u8], request_id: &str) -> Value {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let mut headers = BTreeMap::<String, String>::new();
    let mut cookies = Vec::new();
    for (name, value) in &head.headers {
        let value = String::from_utf8_lossy(value);
        if name.eq_ignore_ascii_case("cookie") {
            cookies.extend(value.split(';').map(|cookie| cookie.trim().to_owned()));
        } else {
            add(&mut headers, name.to_ascii_lowercase(), &value);
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
            "domainName": head.header("host").unwrap_or_default(),
            "domainPrefix": name,
            "http": {
                "method": head.method,
                "path": path,
                "protocol": if head.is_1_1 { "HTTP/1.1" } else { "HTTP/1.0" },
                "sourceIp": "127.0.0.1",
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

/// Several values of one name are joined with commas.
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
