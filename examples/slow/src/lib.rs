//! A demonstration of cold starts and warming: `init` takes one second (or `START_MS`), as in a
//! handler that first fetches its data, and each invocation takes the event's `sleep_ms`.

use std::convert::Infallible;
use std::env;
use std::process;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

static INVOCATIONS: AtomicU64 = AtomicU64::new(0);

#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    sleep_ms: u64,
}

#[derive(Serialize)]
struct Response {
    /// The process id, which tells execution environments apart.
    process: u32,
    /// The number of invocations of this environment; the first one was cold.
    invocation: u64,
}

fn start() -> Result<(), String> {
    let milliseconds = env::var("START_MS").unwrap_or_else(|_| "1000".to_owned());
    let milliseconds =
        milliseconds.parse().map_err(|_| "START_MS is not a number of milliseconds".to_owned())?;
    thread::sleep(Duration::from_millis(milliseconds));
    Ok(())
}

fn count(request: Request) -> Result<Response, Infallible> {
    thread::sleep(Duration::from_millis(request.sleep_ms));
    let invocation = INVOCATIONS.fetch_add(1, Ordering::Relaxed) + 1;
    Ok(Response { process: process::id(), invocation })
}

pilotlight::handler!(count, init = start);
