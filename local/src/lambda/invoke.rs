//! `Invoke` and `InvokeWithResponseStream`.
//!
//! Source: their pages in AWS's API reference, and the service model in botocore.

use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::http::Answer;
use crate::http::Body;
use crate::http::ChunkedAnswer;
use crate::http::Connection;
use crate::http::Head;
use crate::http::percent_decode;
use crate::identifiers;
use crate::placement::Done;
use crate::placement::Request;
use crate::report;
use crate::runtime_api::Outcome;
use crate::runtime_api::Piece;

use super::Lambda;
use super::Named;
use super::Refusal;
use super::event_stream;
use super::signature;

/// The largest event of an invocation that waits for its answer.
const MOST_SYNCHRONOUS: usize = 6 << 20;
/// The largest event of one that does not.
const MOST_ASYNCHRONOUS: usize = 1 << 20;
/// The largest client context, encoded.
const MOST_CONTEXT: usize = 3583;

/// `POST /2015-03-31/functions/NAME/invocations`.
pub fn buffered(
    lambda: &Lambda,
    name: &str,
    head: &Head,
    connection: &mut Connection,
) -> io::Result<bool> {
    let kind = head.header("X-Amz-Invocation-Type").unwrap_or("RequestResponse");
    let most = if kind == "Event" { MOST_ASYNCHRONOUS } else { MOST_SYNCHRONOUS };
    let event = read(head, connection, most)?;
    let asked = event.and_then(|event| ask(lambda, name, head, event, kind));
    let (named, request) = match asked {
        Ok(asked) => asked,
        Err(refusal) => return connection.write(head, &refusal.answer()),
    };
    let request_id = request.request_id.clone();
    let done = match kind {
        "DryRun" => return connection.write(head, &accepted(204, &request_id)),
        "Event" => {
            let queued = lambda.invoke_event(&named, request);
            let answer =
                queued.map_or_else(|refusal| refusal.answer(), |()| accepted(202, &request_id));
            return connection.write(head, &answer);
        }
        _ => named.placement.invoke(request, head.received, None),
    };
    let answer = match done {
        Ok(done) => answer(head, &named, &request_id, done),
        Err(throttled) => Refusal::from(throttled).answer(),
    };
    connection.write(head, &answer)
}

fn accepted(status: u16, request_id: &str) -> Answer {
    Answer { status, ..Answer::default() }.with("x-amzn-RequestId", request_id)
}

fn answer(head: &Head, named: &Named, request_id: &str, done: Done) -> Answer {
    let tail = wants_tail(head).then(|| BASE64_STANDARD.encode(&done.log_tail));
    let result = done.result.map(|ended| ended.outcome);
    let timeout = named.placement.function.timeout;
    let (body, failed) = report::answer(result, request_id, timeout);
    let mut answer = crate::http::json(200, body)
        .with("x-amzn-RequestId", request_id)
        .with("X-Amz-Executed-Version", "$LATEST");
    if failed {
        answer = answer.with("X-Amz-Function-Error", "Unhandled");
    }
    match tail {
        Some(tail) => answer.with("X-Amz-Log-Result", tail),
        None => answer,
    }
}

/// `POST /2021-11-15/functions/NAME/response-streaming-invocations`.
pub fn streamed(
    lambda: &Lambda,
    name: &str,
    head: &Head,
    connection: &mut Connection,
) -> io::Result<bool> {
    let event = read(head, connection, MOST_SYNCHRONOUS)?;
    let asked = event.and_then(|event| ask(lambda, name, head, event, "RequestResponse"));
    let (named, request) = match asked {
        Ok(asked) => asked,
        Err(refusal) => return connection.write(head, &refusal.answer()),
    };
    let request_id = request.request_id.clone();
    let begin = |connection| {
        let answer = Answer { status: 200, ..Answer::default() }
            .with("Content-Type", "application/vnd.amazon.eventstream")
            .with("x-amzn-RequestId", &request_id)
            .with("X-Amz-Executed-Version", "$LATEST");
        Connection::stream(connection, head, &answer)
    };
    let mut connection = Some(connection);
    let mut stream: io::Result<Option<ChunkedAnswer>> = Ok(None);
    let mut pass_on = |piece: Piece| {
        if let Some(connection) = connection.take() {
            stream = begin(connection).map(Some);
        }
        if let (Piece::Bytes(bytes), Ok(Some(answer))) = (piece, &mut stream)
            && let Err(error) = answer.piece(&event_stream::payload_chunk(&bytes))
        {
            // The client has gone; the invocation goes on, as Lambda's does.
            stream = Err(error);
        }
    };
    let done = named.placement.invoke(request, head.received, Some(&mut pass_on));
    if let Some(connection) = connection.take() {
        // No answer has begun: there was an error, or nothing was placed.
        match &done {
            Ok(_) => stream = begin(connection).map(Some),
            Err(throttled) => {
                return connection.write(head, &Refusal::from(*throttled).answer());
            }
        }
    }
    let (Some(mut stream), Ok(done)) = (stream?, done) else { return Ok(false) };
    let tail = wants_tail(head).then(|| BASE64_STANDARD.encode(&done.log_tail));
    let mut complete = json!({});
    match done.result.map(|ended| ended.outcome) {
        Ok(Outcome::Response(_)) => {}
        result => {
            let code = match &result {
                Ok(Outcome::FailedStream { error_type, .. }) => error_type.clone(),
                _ => "Unhandled".to_owned(),
            };
            let timeout = named.placement.function.timeout;
            let (body, _) = report::answer(result, &request_id, timeout);
            complete["ErrorCode"] = code.into();
            complete["ErrorDetails"] = String::from_utf8_lossy(&body).into();
        }
    }
    if let Some(tail) = tail {
        complete["LogResult"] = tail.into();
    }
    stream.piece(&event_stream::invoke_complete(&complete))?;
    stream.end()
}

/// What a client asks for, once it is known to be well-formed and allowed.
fn ask<'a>(
    lambda: &'a Lambda,
    name: &str,
    head: &Head,
    event: Vec<u8>,
    kind: &str,
) -> Result<(Named<'a>, Request), Refusal> {
    if let Some(credentials) = &lambda.credentials {
        signature::check(head, &event, credentials)?;
    }
    if !matches!(kind, "RequestResponse" | "Event" | "DryRun") {
        let words = format!("{kind} is no invocation type: RequestResponse, Event or DryRun");
        return Err(Refusal::new(400, "InvalidParameterValueException", words));
    }
    let qualifier = head.query().split('&').find_map(|pair| pair.strip_prefix("Qualifier="));
    let named = lambda.find(name, qualifier.map(percent_decode).as_deref())?;
    check_content_type(head)?;
    // An invocation without an event has an empty one.
    let event = if event.is_empty() { b"{}".to_vec() } else { event };
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&event) {
        let words = format!("Could not parse request body into json: {error}");
        return Err(Refusal::new(400, "InvalidRequestContentException", words));
    }
    let request = Request {
        request_id: identifiers::uuid(),
        event,
        trace_id: head.header("X-Amzn-Trace-Id").map(str::to_owned),
        client_context: client_context(head, kind)?,
        tenant_id: head.header("X-Amz-Tenant-Id").map(str::to_owned),
        arn: named.arn.clone(),
    };
    Ok((named, request))
}

/// An event has to be JSON. Clients may say so, or nothing, or what `curl -d` says of anything.
fn check_content_type(head: &Head) -> Result<(), Refusal> {
    let full = head.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let kind = full.split(';').next().unwrap_or_default().trim();
    let taken = ["", "application/octet-stream", "binary/octet-stream"];
    let form = "application/x-www-form-urlencoded";
    if kind.contains("json") || kind == form || taken.contains(&kind) {
        return Ok(());
    }
    let words = format!("The content type of the Invoke request body is not JSON: {kind}");
    Err(Refusal::new(415, "UnsupportedMediaTypeException", words))
}

fn client_context(head: &Head, kind: &str) -> Result<Option<String>, Refusal> {
    let refuse = |words: &str| Refusal::new(400, "InvalidRequestContentException", words);
    let Some(encoded) = head.header("X-Amz-Client-Context").filter(|_| kind != "Event") else {
        return Ok(None);
    };
    if encoded.len() > MOST_CONTEXT {
        return Err(refuse("Client context must be at most 3583 bytes of base64"));
    }
    let json = BASE64_STANDARD.decode(encoded).ok();
    let json = json.and_then(|json| String::from_utf8(json).ok());
    let json = json.filter(|json| serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok());
    json.map(Some)
        .ok_or_else(|| refuse("Client context must be a valid Base64-encoded JSON object."))
}

fn wants_tail(head: &Head) -> bool {
    head.header("X-Amz-Log-Type") == Some("Tail")
}

/// Reads the event. One that is too long is read to its end and forgotten, for a client does not
/// look for an answer before it has sent everything.
pub fn read(
    head: &Head,
    connection: &mut Connection,
    most: usize,
) -> io::Result<Result<Vec<u8>, Refusal>> {
    let mut body = Body::of(head, connection)?;
    if let Some(event) = body.whole(connection, most)? {
        return Ok(Ok(event));
    }
    ignore(&mut body, connection)?;
    Ok(Err(Refusal::too_large(most)))
}

/// Reads a body that nobody wants.
pub fn ignore_body(head: &Head, connection: &mut Connection) -> io::Result<()> {
    ignore(&mut Body::of(head, connection)?, connection)
}

fn ignore(body: &mut Body, connection: &mut Connection) -> io::Result<()> {
    /// Whoever sends more is not worth an answer.
    const MOST_IGNORED: usize = 256 << 20;
    let mut ignored = 0;
    while let Some(piece) = body.piece(connection)? {
        ignored += piece.len();
        if ignored > MOST_IGNORED {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(())
}
