//! The integration tests, one binary. They run what `./build.sh` has put into `dist/`.

mod allocators;
mod binary;
mod cargo_lambda;
mod check;
mod clients;
mod command;
mod concurrency;
mod context;
mod damaged;
mod examples;
mod fixtures;
mod glibc;
mod header;
mod heavy;
mod http_events;
mod linkers;
mod load;
mod logs;
mod managed;
mod measure;
mod memory;
#[allow(unsafe_code)]
mod oracle;
mod page;
mod protocol;
mod rie;
mod script;
mod serve;
mod serve_ends;
mod served;
mod shutdown;
mod stock;
mod streaming;
mod support;
mod sweep;
mod tidy;
