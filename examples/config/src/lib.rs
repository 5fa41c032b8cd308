//! A greeting whose tone depends on a feature flag: the response to `{"name":"Ada"}` is
//! `{"message":"Hello, Ada!"}`, or `{"message":"Good day, Ada."}` while the flag `formal` of the
//! configuration value `flags` is enabled. Before the value has arrived, no flag is enabled.

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
