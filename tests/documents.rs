//! The Rust code of the documents, compiled and run as documentation tests.

#[doc = include_str!("../README.md")]
mod readme {}

#[doc = include_str!("../docs/configuration.md")]
mod configuration {}

#[doc = include_str!("../docs/handlers.md")]
mod handlers {}

#[doc = include_str!("../docs/http.md")]
mod http {}

#[doc = include_str!("../docs/from-lambda_runtime.md")]
mod from_lambda_runtime {}
