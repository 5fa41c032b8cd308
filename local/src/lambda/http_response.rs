//! Responses to clients, with a complete or a streamed body.

use std::io;

use http_body_util::Either;
use http_body_util::Full;
use http_body_util::channel::Channel;
use http_body_util::channel::Sender;
use hyper::Response;
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::HeaderName;
use hyper::header::HeaderValue;

/// The body of a response.
pub type Body = Either<Full<Bytes>, Channel<Bytes, io::Error>>;

/// The sending end of a streamed body.
pub type Pieces = Sender<Bytes, io::Error>;

/// Limit for the pieces of a body that are buffered for the client.
const MAX_WAITING: usize = 4;

/// A response: status, headers, body.
#[derive(Debug)]
pub struct HttpResponse {
    response: Response<Body>,
}

impl HttpResponse {
    /// A response with this body.
    pub fn new(status: u16, body: impl Into<Bytes>) -> HttpResponse {
        HttpResponse::of(status, Either::Left(Full::new(body.into())))
    }

    /// A response whose body is JSON.
    pub fn json(status: u16, body: impl Into<Bytes>) -> HttpResponse {
        HttpResponse::new(status, body).with("Content-Type", "application/json")
    }

    fn of(status: u16, body: Body) -> HttpResponse {
        let mut response = Response::new(body);
        // A status below 200 is not a final one.
        let known = StatusCode::from_u16(status).ok().filter(|status| !status.is_informational());
        *response.status_mut() = known.unwrap_or(StatusCode::BAD_GATEWAY);
        HttpResponse { response }
    }

    /// Appends a header line. A name or value that HTTP does not allow is ignored.
    pub fn with(mut self, name: &str, value: &str) -> HttpResponse {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            self.response.headers_mut().append(name, value);
        }
        self
    }

    /// Whether the header is present.
    pub fn has(&self, name: &str) -> bool {
        self.response.headers().contains_key(name)
    }

    /// Replaces the body with a streamed one, and returns its sending end.
    pub fn streamed(self) -> (Pieces, HttpResponse) {
        let (pieces, body) = Channel::new(MAX_WAITING);
        let response = self.response.map(|_| Either::Right(body));
        (pieces, HttpResponse { response })
    }

    /// Converts to hyper's type.
    pub fn into_response(self) -> Response<Body> {
        self.response
    }
}
