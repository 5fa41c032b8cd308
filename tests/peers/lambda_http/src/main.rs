//! The axum example on lambda_http, with the flags that start it fastest.

#[path = "../../../../examples/axum/src/app.rs"]
mod app;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    lambda_http::run(app::router()).await
}
