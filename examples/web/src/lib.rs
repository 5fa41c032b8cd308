//! Answers HTTP requests: `GET /?name=Ada` is greeted, and `POST /echo` gets its body back.

use std::convert::Infallible;

use pilotlight::http::Body;
use pilotlight::http::Method;
use pilotlight::http::Request;
use pilotlight::http::Response;
use pilotlight::http::StatusCode;
use pilotlight::http::header::CONTENT_TYPE;

fn answer(request: Request) -> Result<Response<Body>, Infallible> {
    Ok(match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => {
            let query = request.uri().query().unwrap_or_default();
            let name = query.split('&').find_map(|pair| pair.strip_prefix("name="));
            text(StatusCode::OK, format!("Hello, {}!\n", name.unwrap_or("you")))
        }
        (&Method::POST, "/echo") => {
            let kind = request.headers().get(CONTENT_TYPE).cloned();
            let mut response = Response::new(request.into_body());
            response.headers_mut().extend(kind.map(|kind| (CONTENT_TYPE, kind)));
            response
        }
        (_, path) => text(StatusCode::NOT_FOUND, format!("There is nothing at {path}.\n")),
    })
}

fn text(status: StatusCode, text: String) -> Response<Body> {
    let response = Response::builder().status(status).header(CONTENT_TYPE, "text/plain");
    response.body(text.into()).expect("these headers are valid")
}

pilotlight::handler!(answer);
