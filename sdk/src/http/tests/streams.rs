//! Bodies in several pieces, and services that expect streams.

use std::collections::VecDeque;
use std::pin::Pin;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http::HeaderMap;
use http::Response;
use http_body::Body;
use http_body::Frame;
use serde_json::json;

use super::arrived;
use super::http_api;
use super::rest_api;
use crate::IntoResponse;
use crate::ResponseStream;
use crate::http::Front;
use crate::http::block_on;
use crate::http::response::Origin;
use crate::http::response::collect;

/// A body of these frames, which is pending before each of them.
struct Pieces(VecDeque<Result<Frame<Bytes>, std::io::Error>>, bool);

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.1 = !self.1;
        if self.1 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.0.pop_front())
    }
}

fn pieces<const N: usize>(frames: [Result<Frame<Bytes>, std::io::Error>; N]) -> Response<Pieces> {
    Response::new(Pieces(frames.into(), false))
}

fn data(text: &'static str) -> Result<Frame<Bytes>, std::io::Error> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

#[test]
fn pieces_are_gathered_without_a_stream() {
    let trailers = Ok(Frame::trailers(HeaderMap::new()));
    let response = pieces([data("a"), data(""), data("b"), trailers]);
    let whole = block_on(collect(pin!(response.into_body()))).expect("a body");
    assert_eq!(&whole[..], b"ab");
}

#[test]
fn a_body_that_fails_fails_the_invocation() {
    let broken = || Err(std::io::Error::other("the source is gone"));
    let response = pieces([data("a"), broken()]);
    let origin = Origin { front: Front::HttpApi, stream: None };
    let failure = response.into_response(origin).expect_err("failed");
    assert_eq!(failure.message, "the source is gone");
}

#[test]
fn a_stream_needs_a_runtime() {
    let context = crate::Context::default();
    let stream = Some(ResponseStream::of(&context));
    let response = Response::new("whole".to_owned());
    let failure = response.into_response(Origin { front: Front::HttpApi, stream });
    assert_eq!(failure.expect_err("no runtime").message, "unsupported");
}

#[test]
fn function_urls_and_rest_apis_can_stream() {
    assert!(arrived(&rest_api(json!({}))).can_stream);
    assert!(arrived(&http_api(json!({}))).can_stream);
    let http = json!({ "method": "GET" });
    let domain = "a.execute-api.eu-west-1.amazonaws.com";
    let context = json!({ "requestContext": { "http": http, "domainName": domain } });
    assert!(!arrived(&http_api(context)).can_stream);
    assert!(!arrived(&rest_api(json!({ "version": "1.0" }))).can_stream);
}
