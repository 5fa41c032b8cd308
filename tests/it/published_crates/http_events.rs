//! The fixture crate `http_events`: AWS's example events as requests, beside those of lambda_http.

use std::env;
use std::process::Command;

use crate::support;

#[test]
fn requests_are_those_of_lambda_http_but_for_listed_differences() {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["test", "--locked", "--quiet", "--target-dir", "../../../target/http-events"])
        .current_dir(support::root().join("tests/fixtures/http_events"))
        .output()
        .expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
