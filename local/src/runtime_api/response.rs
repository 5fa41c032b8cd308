//! `POST …/response`: with a length or chunked, buffered or streamed.

use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::ApiError;
use super::Outcome;
use super::Piece;
use super::Shared;
use super::accepted;
use super::http::Answer;
use super::http::Body;
use super::http::Connection;
use super::http::Head;
use super::http::find;
use crate::function::MAX_PAYLOAD;

/// Identifies the attempt; a runtime that received it in `/next` returns it with the answer.
pub const ATTEMPT_ID: &str = "Lambda-Runtime-Invocation-Id";
/// The service's limit for a buffered response, in bytes: 100 above that of a payload.
pub const MAX_RESPONSE: usize = MAX_PAYLOAD + 100;
/// Limit for a streamed response, in bytes: 200 MiB.
const MAX_STREAMED: usize = 200 << 20;

/// Reads a response. The outer error is one of the connection.
pub fn take(
    head: &Head,
    id: &str,
    connection: &mut Connection,
    shared: &Shared,
) -> io::Result<Result<Answer, ApiError>> {
    let streams = match head.header("Lambda-Runtime-Function-Response-Mode") {
        None | Some("") => false,
        Some("streaming") => true,
        Some(_) => {
            let message = "Invalid function response mode";
            return Ok(Err(ApiError::new(400, "InvalidFunctionResponseMode", message)));
        }
    };
    let mut body = Body::of(head, connection)?;
    let begun = shared.session().begin_answer(id, head.header(ATTEMPT_ID));
    let live = match begun {
        Ok(live) => live,
        Err(error) => {
            // The next request on the connection follows after the body.
            while body.piece(connection)?.is_some() {}
            return Ok(Err(error));
        }
    };
    let content_type = head.header("content-type").map(str::to_owned);
    let begun = Piece::Begun { content_type: content_type.clone(), streamed: streams };
    // The invocation goes on even if the client is gone.
    let pass_on = |piece| live.as_ref().is_some_and(|live| live.send(piece).is_ok());
    let mut response = Vec::new();
    let mut length = 0;
    let limit = if streams { MAX_STREAMED } else { MAX_RESPONSE };
    // A buffered response is passed on only after all of it has arrived and is not too large.
    if streams {
        pass_on(begun.clone());
    }
    let read = loop {
        match body.piece(connection) {
            Ok(Some(piece)) => {
                length += piece.len();
                if length > limit {
                    response.clear();
                } else if streams && live.is_some() {
                    pass_on(Piece::Bytes(piece));
                } else {
                    response.extend_from_slice(&piece);
                }
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    let received = connection.arrived();
    let outcome = match (&read, error_in(&body)) {
        (Err(_), _) => Outcome::Truncated,
        _ if length > limit => Outcome::TooLarge(limit),
        (Ok(()), Some((error_type, body))) => Outcome::FailedStream { response, error_type, body },
        (Ok(()), None) => {
            if !streams && live.is_some() {
                pass_on(begun);
                pass_on(Piece::Bytes(std::mem::take(&mut response)));
            }
            Outcome::Response(response)
        }
    };
    let ended = shared.change(|session| session.end_answer(id, received, outcome, content_type));
    // Dropped only now, so that the receiver of the last piece finds the invocation ended.
    drop(live);
    read.map(|()| ended.map(|()| accepted()))
}

/// The error that a streamed response ended with: its type, and its body as JSON.
fn error_in(body: &Body) -> Option<(String, Vec<u8>)> {
    let error_type = find(&body.trailers, "Lambda-Runtime-Function-Error-Type")?.to_owned();
    let encoded = find(&body.trailers, "Lambda-Runtime-Function-Error-Body").unwrap_or_default();
    // Text that is not base64, against the specification, is used as it is.
    let decoded = BASE64_STANDARD.decode(encoded).unwrap_or_else(|_| encoded.into());
    Some((error_type, decoded))
}
