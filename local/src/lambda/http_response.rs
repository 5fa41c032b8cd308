//! Answers to clients: whole, or in pieces.

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

/// The body of an answer.
pub type Body = Either<Full<Bytes>, Channel<Bytes, io::Error>>;

/// The end of a body at which its pieces go in.
pub type Pieces = Sender<Bytes, io::Error>;

/// Pieces of a body that wait for the client.
const MAX_WAITING: usize = 4;

/// An answer: status, headers, body.
#[derive(Debug)]
pub struct HttpResponse {
    response: Response<Body>,
}

impl HttpResponse {
    /// An answer with this body.
    pub fn new(status: u16, body: impl Into<Bytes>) -> HttpResponse {
        HttpResponse::of(status, Either::Left(Full::new(body.into())))
    }

    /// An answer whose body is JSON.
    pub fn json(status: u16, body: impl Into<Bytes>) -> HttpResponse {
        HttpResponse::new(status, body).with("Content-Type", "application/json")
    }

    fn of(status: u16, body: Body) -> HttpResponse {
        let mut response = Response::new(body);
        // A status below 200 is none that ends a request.
        let known = StatusCode::from_u16(status).ok().filter(|status| !status.is_informational());
        *response.status_mut() = known.unwrap_or(StatusCode::BAD_GATEWAY);
        HttpResponse { response }
    }

    /// The same answer with one more header line. A name or value that HTTP cannot carry is left out.
    pub fn with(mut self, name: &str, value: &str) -> HttpResponse {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            self.response.headers_mut().append(name, value);
        }
        self
    }

    /// Whether there is such a header line.
    pub fn has(&self, name: &str) -> bool {
        self.response.headers().contains_key(name)
    }

    /// The same answer with a body that comes in pieces, and its other end.
    pub fn streamed(self) -> (Pieces, HttpResponse) {
        let (pieces, body) = Channel::new(MAX_WAITING);
        let response = self.response.map(|_| Either::Right(body));
        (pieces, HttpResponse { response })
    }

    /// As hyper sends it.
    pub fn into_response(self) -> Response<Body> {
        self.response
    }
}
