//! As the crate's README has it: `#[tokio::main]`, a multi-thread runtime.

mod hello;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(lambda_runtime::service_fn(hello::greet)).await
}
