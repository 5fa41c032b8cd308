//! With the best flags known: a current-thread runtime, `panic = "abort"`, LTO, stripped.

mod hello;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(lambda_runtime::service_fn(hello::greet)).await
}
