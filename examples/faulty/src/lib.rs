//! Fails as its event requests: `{"fault":"error"}`, and likewise `panic`, `abort`, `segv`, `exit`,
//! `overflow` (of the stack) and `sleep` (past any deadline). Any other event gets a response.

use std::fmt;
use std::hint::black_box;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    fault: String,
}

#[derive(Serialize)]
struct Response {
    fault: Option<&'static str>,
}

/// The handler's own error type: the caller gets its name as `errorType`.
#[derive(Debug)]
struct RequestedError;

impl fmt::Display for RequestedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this error was asked for")
    }
}

fn fail(request: Request) -> Result<Response, RequestedError> {
    match request.fault.as_str() {
        "error" => return Err(RequestedError),
        "panic" => panic!("this panic was asked for"),
        "abort" => std::process::abort(),
        "exit" => std::process::exit(3),
        "segv" => read_nothing(),
        "overflow" => {
            recurse(0);
        }
        "sleep" => std::thread::sleep(Duration::from_secs(1000)),
        _ => {}
    }
    Ok(Response { fault: None })
}

#[allow(unsafe_code)] // Commits the fault that this example demonstrates.
fn read_nothing() {
    let nowhere = black_box(std::ptr::without_provenance::<u8>(16));
    // SAFETY: none; the invalid read is the fault to demonstrate.
    unsafe { nowhere.read_volatile() };
}

#[allow(unconditional_recursion)]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 512]);
    recurse(depth + 1) + frame[0]
}

pilotlight::handler!(fail);
