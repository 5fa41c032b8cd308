//! HTTP: handlers that take a [`Request`] and return a [`Response`] of the crate `http`.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use pilotlight::http::Request;
//! use pilotlight::http::Response;
//!
//! fn greet(request: Request) -> Result<Response<String>, Infallible> {
//!     Ok(Response::new(format!("Hello from {}\n", request.uri().path())))
//! }
//!
//! pilotlight::handler!(greet);
//! ```
//!
//! A whole application, such as axum's `Router`, is a service: [`http!`](crate::http!) exports it.
//!
//! Requests come from API Gateway (REST and HTTP APIs), function URLs, Application Load Balancers
//! and VPC Lattice. An event of another kind fails the invocation with the `errorType`
//! `InvalidEvent`.

mod body;
mod context;
mod event;
mod export;
mod front;
mod handle;
mod head;
mod json;
mod request;
mod response;
mod service;
mod settings;
#[cfg(test)]
mod tests;
mod uri;

#[doc(no_inline)]
pub use http::HeaderMap;
#[doc(no_inline)]
pub use http::HeaderName;
#[doc(no_inline)]
pub use http::HeaderValue;
#[doc(no_inline)]
pub use http::Method;
#[doc(no_inline)]
pub use http::Response;
#[doc(no_inline)]
pub use http::StatusCode;
#[doc(no_inline)]
pub use http::Uri;
#[doc(no_inline)]
pub use http::header;

pub use self::body::Body;
pub use self::context::Invocation;
pub use self::context::RequestContext;
pub use self::front::Front;
pub use self::handle::request_of;
#[cfg(not(feature = "tokio"))]
use crate::block_on::block_on;
#[cfg(feature = "tokio")]
use crate::tokio_runtime::block_on;

/// Items for the expansion of [`http!`](crate::http!); not part of the API.
#[doc(hidden)]
pub mod __private {
    pub use super::service::AnyError;
    pub use super::service::Application;
    pub use super::service::Endpoint;
}

/// A request, as handlers and services take it.
pub type Request = http::Request<Body>;
