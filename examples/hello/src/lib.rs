//! The smallest typed handler: the response to `{"name":"Ada"}` is `{"message":"Hello, Ada!"}`.

use std::convert::Infallible;

use serde::Deserialize;
use serde::Serialize;

#[derive(Deserialize)]
struct Request {
    name: String,
}

#[derive(Serialize)]
struct Response {
    message: String,
}

fn greet(request: Request) -> Result<Response, Infallible> {
    Ok(Response { message: format!("Hello, {}!", request.name) })
}

pilotlight::handler!(greet);
