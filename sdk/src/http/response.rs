//! Conversion of responses: buffered as JSON, or streamed after a head.

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::io::Write as _;
use std::pin::Pin;
use std::pin::pin;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Buf;
use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::response::Parts;
use http_body::Body;

use super::Front;
use super::head;
use crate::ResponseStream;
use crate::describe;
use crate::failure::Failure;
use crate::response::Response;

/// The usual size of a response without its body, in bytes.
const USUAL_HEAD: usize = 512;

/// The destination of a response.
#[derive(Debug)]
pub struct Origin<'a> {
    /// The service that the request came through.
    pub front: Front,
    /// The stream, if the function is invoked for streams.
    pub stream: Option<ResponseStream<'a>>,
}

/// Sends or writes a response.
pub async fn respond<B>(
    response: http::Response<B>,
    origin: Origin<'_>,
) -> Result<Response, Failure>
where
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>>,
{
    let (parts, body) = response.into_parts();
    match origin.stream {
        Some(stream) => stream_out(stream, origin.front, &parts, pin!(body)).await,
        None => Ok(Response::owning(whole(origin.front, &parts, &collect(pin!(body)).await?))),
    }
}

/// Sends the head and each piece of the body as it comes. The last one ends the response.
async fn stream_out<B>(
    mut stream: ResponseStream<'_>,
    front: Front,
    parts: &Parts,
    mut body: Pin<&mut B>,
) -> Result<Response, Failure>
where
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>>,
{
    let mut prelude = Vec::with_capacity(USUAL_HEAD);
    head::write(&mut prelude, front, parts.status, &parts.headers);
    prelude.push(b'}');
    let failed = |error: io::Error| describe::from_unknown(&error);
    stream.begin_json(&prelude).map_err(failed)?;
    if body.size_hint().exact().is_none() {
        // Sends the head, which does not wait for a piece that may be long in coming.
        let _: usize = stream.write(b"").map_err(failed)?;
    }
    while let Some(piece) = next(&mut body).await? {
        if body.is_end_stream() {
            return Ok(Response::owning(piece));
        }
        stream.write_all(&piece).map_err(failed)?;
    }
    Ok(Response::owning(Bytes::new()))
}

/// The whole body.
pub async fn collect<B>(mut body: Pin<&mut B>) -> Result<Bytes, Failure>
where
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>>,
{
    let Some(first) = next(&mut body).await? else {
        return Ok(Bytes::new());
    };
    if body.is_end_stream() {
        return Ok(first);
    }
    let mut whole = Vec::from(first);
    while let Some(piece) = next(&mut body).await? {
        whole.extend_from_slice(&piece);
    }
    Ok(whole.into())
}

/// The next piece of the body. Trailers have no place in any service's responses.
async fn next<B>(body: &mut Pin<&mut B>) -> Result<Option<Bytes>, Failure>
where
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>>,
{
    loop {
        let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await else {
            return Ok(None);
        };
        let frame = frame.map_err(|error| describe::from_unknown(&*error.into()))?;
        if let Ok(mut data) = frame.into_data() {
            return Ok(Some(data.copy_to_bytes(data.remaining())));
        }
    }
}

/// The response as JSON. The body is text if it can be, because services need a setting to decode
/// base64.
pub fn whole(front: Front, parts: &Parts, body: &[u8]) -> Vec<u8> {
    let mut json = Vec::with_capacity(USUAL_HEAD + body.len() + body.len() / 2);
    head::write(&mut json, front, parts.status, &parts.headers);
    json.extend_from_slice(b",\"body\":");
    // A compressed body that happens to be UTF-8 is no text either.
    let is_encoded = parts.headers.get(CONTENT_ENCODING).is_some_and(|name| name != "identity");
    let text = std::str::from_utf8(body).ok().filter(|_| !is_encoded);
    match text {
        Some(text) => serde_json::to_writer(&mut json, text).expect("a Vec takes any text"),
        None => base64(&mut json, body),
    }
    json.extend_from_slice(b",\"isBase64Encoded\":");
    json.extend_from_slice(if text.is_some() { b"false}" } else { b"true}" });
    json
}

fn base64(json: &mut Vec<u8>, body: &[u8]) {
    json.push(b'"');
    let start = json.len();
    json.resize(start + body.len().div_ceil(3) * 4, 0);
    let written = BASE64_STANDARD.encode_slice(body, &mut json[start..]);
    json.truncate(start + written.expect("four bytes for each three have room"));
    json.push(b'"');
}
