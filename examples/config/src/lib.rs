//! A greeting whose tone is a feature flag: `{"name":"Ada"}` is answered with
//! `{"message":"Hello, Ada!"}`, or, while the flag `formal` of the configuration `flags` is enabled,
//! with `{"message":"Good day, Ada."}`. Before any configuration has arrived, no flag is enabled.

use std::convert::Infallible;

use pilotlight::config;
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

fn greet(Request { name }: Request) -> Result<Response, Infallible> {
    let message = if config::flags("flags").enabled("formal") {
        format!("Good day, {name}.")
    } else {
        format!("Hello, {name}!")
    };
    Ok(Response { message })
}

pilotlight::handler!(greet);
