//! The integration tests, one binary. They run what `./build.sh` has put into `dist/`.
//! tests/README.md describes the modules and how to run one test.

mod build;
mod config;
mod documents;
mod emulators;
mod handlers;
mod layer;
mod libc;
mod loader;
mod local;
mod published_crates;
mod rules;
mod runtime_api;
mod support;
mod warming;
