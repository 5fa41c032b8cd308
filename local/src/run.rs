//! `pilotlight run`: a few invocations of one function, cold then warm, shown as Lambda shows them.

use std::io::Write;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use anyhow::Result;

use crate::clock::Clock;
use crate::descriptors::Share;
use crate::function::Function;
use crate::identifiers;
use crate::placement;
use crate::placement::Logs;
use crate::placement::Placement;
use crate::placement::Request;
use crate::placement::Settings;
use crate::placement::Timeline;
use crate::report;
use crate::runtime_api::Invocation;

/// Invokes the function `count` times, one after the other, in one execution environment. Responses
/// go to `responses`, log lines and the handler's own output to standard error. Returns the number
/// of invocations that ended with an error. `folder` is for the environment's files.
pub fn run(
    function: &Function,
    event: &[u8],
    count: usize,
    folder: &Path,
    responses: &mut impl Write,
) -> Result<usize> {
    let settings = Settings {
        reserved: None,
        provisioned: 0,
        idle: Duration::MAX,
        freeze: false,
        watch: false,
        clock: Clock::default(),
        warming: None,
        logs: Logs::Plain,
        folder: folder.to_path_buf(),
        descriptors: Share::new(usize::MAX),
    };
    let placement = Placement::open(function.clone(), settings, Timeline::start())?;
    let mut errors = 0;
    for _ in 0..count {
        let request = request(function, event);
        let request_id = request.request_id.clone();
        let done = placement.invoke(request, Instant::now(), None);
        let done = done.context("cannot create the execution environment")?;
        let result = done.result.map(|ended| ended.outcome);
        let (answer, failed) = report::answer(result, &request_id, function.timeout);
        responses.write_all(&answer)?;
        responses.write_all(b"\n")?;
        responses.flush()?;
        errors += usize::from(failed);
    }
    placement.close();
    Ok(errors)
}

/// A request with defaults for everything but the event.
pub fn request(function: &Function, event: &[u8]) -> Request {
    Request {
        request_id: identifiers::uuid(),
        event: event.to_vec(),
        arn: function.arn(),
        ..Request::default()
    }
}

/// An invocation of such a request, as the Runtime API delivers it.
pub fn invocation(function: &Function, request_id: &str, event: &[u8]) -> Invocation {
    let request = Request { request_id: request_id.to_owned(), ..request(function, event) };
    placement::invocation(request, function.timeout)
}
