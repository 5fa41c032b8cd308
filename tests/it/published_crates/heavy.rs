//! The fixture crate `heavy`: tokio on four threads, reqwest with rustls, bundled SQLite, zstd,
//! flate2, regex, chrono, rand and rayon, built with Cargo's default release profile.

use pilotlight_local::environment::INIT_LIMIT;
use serde_json::Value;
use serde_json::json;

use crate::support;
use crate::support::oracle;

#[test]
fn a_heavy_handler_runs_as_it_does_natively() {
    let build = ["build", "--target-dir", "../../../target/heavy"];
    let library = support::library(&support::cargo("tests/fixtures/heavy", &build), "heavy");
    let expected = json!({
        "http": "hello",
        "tls": "hello",
        "database": [42, 42],
        "compression": true,
        "sort": 100_000,
        "text": "Machines",
        "clock and chance": true,
        "panics": 50,
    });
    let function = support::function(&library, None);
    let environment = support::start(&function);
    environment.wait_initialised(INIT_LIMIT).expect("initialised");
    for _ in 0..3 {
        let answer = support::response(support::invoke(&environment, &function, b"{}"));
        let answer: Value = serde_json::from_slice(&answer).expect("JSON");
        assert_eq!(answer, expected);
    }
    let by_dlopen = oracle::answer(&library, None, "{}").expect("a response");
    assert_eq!(serde_json::from_slice::<Value>(&by_dlopen).expect("JSON"), expected);
}
