//! The integration tests, one binary. They run what `./build.sh` has put into `dist/`.

mod binary;
mod cargo_lambda;
mod command;
mod concurrency;
mod context;
mod damaged;
mod examples;
mod fixtures;
mod glibc;
mod header;
mod heavy;
mod logs;
mod managed;
mod memory;
#[allow(unsafe_code)]
mod oracle;
mod protocol;
mod rie;
mod script;
mod shutdown;
mod stock;
mod streaming;
mod support;
mod tidy;
