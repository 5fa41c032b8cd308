//! `pilotlight run`: a few invocations of one function, cold then warm, shown as Lambda shows them.

use std::io;
use std::io::Write;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use anyhow::Result;

use crate::environment::ExecutionEnvironment;
use crate::environment::INIT_LIMIT;
use crate::environment::Output;
use crate::environment::Unanswered;
use crate::function::Function;
use crate::report;
use crate::report::Report;
use crate::runtime_api::Invocation;

/// Invokes the function `count` times, one after the other, in one execution environment as long
/// as that lives. Responses go to `responses`, log lines and the handler's own output to standard
/// error. Says how many invocations ended with an error.
pub fn run(
    function: &Function,
    event: &[u8],
    count: usize,
    responses: &mut impl Write,
) -> Result<usize> {
    let mut environment = None;
    let mut errors = 0;
    for _ in 0..count {
        let current = match environment.take() {
            Some(warm) => (warm, false),
            None => (ExecutionEnvironment::start(function, Output::Shown)?, true),
        };
        let (environment_used, cold) = current;
        let failed = invoke(function, &environment_used, cold, event, responses)?;
        errors += usize::from(failed);
        if environment_used.is_alive() {
            environment = Some(environment_used);
        }
    }
    Ok(errors)
}

fn invoke(
    function: &Function,
    environment: &ExecutionEnvironment,
    cold: bool,
    event: &[u8],
    responses: &mut impl Write,
) -> Result<bool> {
    let init = environment.wait_initialised(INIT_LIMIT);
    if let Err(unanswered) = &init {
        log(&format!("INIT_REPORT Phase: init\tStatus: error\tError: {unanswered}"))?;
    }
    let init_duration = init.as_ref().ok().copied().filter(|_| cold);
    let request_id = request_id();
    log(&format!("START RequestId: {request_id} Version: $LATEST"))?;
    let (result, duration) = match init {
        Ok(_) => {
            let invocation = invocation(function, &request_id, event);
            match environment.invoke(invocation, function.timeout) {
                Ok(ended) => (Ok(ended.outcome), ended.duration),
                Err(unanswered) => (Err(unanswered), function.timeout),
            }
        }
        Err(unanswered) => (Err(unanswered), Duration::ZERO),
    };
    if result == Err(Unanswered::TimedOut) {
        let seconds = function.timeout.as_secs_f64();
        log(&format!("{request_id} Task timed out after {seconds:.2} seconds"))?;
    }
    let (answer, failed) = report::answer(result, &request_id, function.timeout);
    responses.write_all(&answer)?;
    responses.write_all(b"\n")?;
    responses.flush()?;
    log(&format!("END RequestId: {request_id}"))?;
    let report = Report {
        request_id: &request_id,
        duration,
        init: init_duration,
        memory_kib: environment.peak_memory_kib(),
    };
    log(&report.line(function))?;
    Ok(failed)
}

/// An invocation with the headers that the service sends.
pub fn invocation(function: &Function, request_id: &str, event: &[u8]) -> Invocation {
    let deadline = SystemTime::now() + function.timeout;
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let header = |name: &str, value: String| (format!("Lambda-Runtime-{name}"), value);
    Invocation {
        request_id: request_id.to_owned(),
        event: event.to_vec(),
        headers: vec![
            header("Deadline-Ms", deadline.to_string()),
            header("Invoked-Function-Arn", function.arn()),
            header("Trace-Id", trace_id(request_id)),
        ],
    }
}

/// A random identifier in the form of a version 4 UUID.
pub fn request_id() -> String {
    use std::hash::BuildHasher as _;
    use std::hash::RandomState;
    // Two of std's randomly keyed hashers are 128 random bits, which is all that is needed here.
    let high = RandomState::new().hash_one(0);
    let low = RandomState::new().hash_one(1);
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}

/// An X-Ray header of its own for each invocation, not sampled.
fn trace_id(request_id: &str) -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let digits: String = request_id.chars().filter(char::is_ascii_hexdigit).collect();
    format!("Root=1-{seconds:08x}-{};Parent={};Sampled=0", &digits[..24], &digits[16..])
}

fn log(line: &str) -> io::Result<()> {
    let mut line = line.to_owned();
    line.push('\n');
    // One write a line, so that the handler's own lines do not come in between.
    io::stderr().write_all(line.as_bytes())
}
