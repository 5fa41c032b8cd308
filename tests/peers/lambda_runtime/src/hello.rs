//! The handler itself, the same for both binaries.

use lambda_runtime::Error;
use lambda_runtime::LambdaEvent;
use serde::Deserialize;
use serde::Serialize;

#[derive(Deserialize)]
pub struct Request {
    name: String,
}

#[derive(Serialize)]
pub struct Response {
    message: String,
}

pub async fn greet(event: LambdaEvent<Request>) -> Result<Response, Error> {
    Ok(Response { message: format!("Hello, {}!", event.payload.name) })
}
