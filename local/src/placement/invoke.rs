//! One invocation in one execution environment: init if needed, the handler, Lambda's log lines.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::environment::ExecutionEnvironment;
use crate::environment::INIT_LIMIT;
use crate::environment::InvokeError;
use crate::environment::is_shortage;
use crate::function::Function;
use crate::identifiers;
use crate::log;
use crate::report;
use crate::report::ErrorSummary;
use crate::report::Report;
use crate::runtime_api::Ended;
use crate::runtime_api::Invocation;
use crate::runtime_api::Outcome;
use crate::runtime_api::Piece;

use super::journal::Done;
use super::sandbox::Sandbox;
use super::span::Span;
use super::span::SpanKind;

/// A client's request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Identifies the invocation; all its attempts have the same.
    pub request_id: String,
    /// The event.
    pub event: Vec<u8>,
    /// `X-Amzn-Trace-Id`; without one, the invocation gets its own.
    pub trace_id: Option<String>,
    /// The client context as JSON.
    pub client_context: Option<String>,
    /// `X-Amz-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// The ARN that was invoked, with its qualifier if there was one.
    pub arn: String,
}

/// The runtime's answer to a ping, which never reaches the handler. (An invocation whose handler
/// returns exactly this is counted as a ping.)
const WARMED: &[u8] = b"\"warmed\"";

/// The reason that this machine cannot run another process.
#[derive(Debug)]
pub struct NoCapacity(pub String);

/// Runs an invocation to its end. `fresh` says that the environment is new. `initialised` is called
/// for each process that was started, as soon as it calls `/next` or has failed.
pub fn run(
    function: &Function,
    sandbox: &Sandbox,
    fresh: bool,
    request: Request,
    initialised: &dyn Fn(Span),
    pass_on: Option<&mut dyn FnMut(Piece)>,
) -> Result<Done, NoCapacity> {
    let request_id = request.request_id.clone();
    let event_bytes = request.event.len();
    let initialise = |limit, kind, phase| {
        let (span, process) = initialise(function, sandbox, limit, kind)?;
        start_report(sandbox, phase, process.as_ref().err(), span.duration());
        initialised(span);
        Ok(process)
    };
    let (mut init, mut restore) = (None, None);
    // Invocations that share a process wait until the first of them has started it.
    let mut starting = sandbox.starting();
    let first = !std::mem::replace(&mut *starting, true);
    let mut process = sandbox.ready();
    if let Some(process) = &process {
        process.thaw();
    } else if first && let Ok(started) = initialise(INIT_LIMIT, SpanKind::Init, "init")? {
        restore = started.0.shared().session().restore_duration();
        init = Some(started.1).filter(|_| restore.is_none());
        process = Some(started.0);
    }
    // After a failed init or a crash, Lambda retries the init within the invocation's own time.
    let mut spent = Duration::ZERO;
    let process = match process {
        Some(process) => Ok(process),
        None => {
            let started = Instant::now();
            let process = initialise(function.timeout, SpanKind::Reinit, "invoke")?;
            spent = started.elapsed();
            process.map(|(process, _)| process)
        }
    };
    drop(starting);
    line(sandbox, &format!("START RequestId: {request_id} Version: $LATEST"));
    let began = Instant::now();
    let result = process.and_then(|process| {
        let limit = function.timeout.saturating_sub(spent);
        let invocation = invocation(request, limit);
        match pass_on {
            Some(pass_on) => process.invoke_live(invocation, limit, pass_on),
            None => process.invoke(invocation, limit),
        }
    });
    let duration = match &result {
        Ok(ended) => ended.duration + spent,
        Err(InvokeError::TimedOut) => function.timeout,
        Err(_) => began.elapsed() + spent,
    };
    let overhead = result.as_ref().map_or(Duration::ZERO, |ended| ended.overhead);
    let process = sandbox.process();
    let memory_kib = process.as_ref().map_or(0, |process| process.peak_memory_kib());
    if result.as_ref().err() == Some(&InvokeError::TimedOut) {
        let seconds = function.timeout.as_secs_f64();
        line(sandbox, &format!("{request_id} Task timed out after {seconds:.2} seconds"));
    }
    line(sandbox, &format!("END RequestId: {request_id}"));
    let error = result.as_ref().err();
    let report =
        Report { request_id: &request_id, duration, overhead, init, restore, memory_kib, error };
    line(sandbox, &report.line(function));
    let log = process.as_ref().and_then(|process| process.log());
    let log = log.map(|log| log.take()).unwrap_or_default();
    let failure = match &result {
        Ok(Ended { outcome: Outcome::Response(_), .. }) => None,
        Ok(ended) => Some(Ok(ended.outcome.clone())),
        Err(error) => Some(Err(error.clone())),
    };
    let failure = failure
        .map(|result| ErrorSummary::read(&report::answer(result, &request_id, function.timeout).0));
    let kind = match &result {
        Ok(Ended { outcome: Outcome::Response(body), .. }) if body == WARMED => SpanKind::Ping,
        _ => SpanKind::Invocation,
    };
    let span = Span::invocation(kind, request_id, began, Instant::now(), failure);
    Ok(Done {
        result,
        duration,
        overhead,
        init,
        log,
        event_bytes,
        memory_kib,
        is_cold: fresh,
        span,
    })
}

/// An initialised process with the duration of its init, or the reason that there is none.
type Initialised = Result<(Arc<ExecutionEnvironment>, Duration), InvokeError>;

/// Starts a process, and waits until it calls `/next`.
pub fn initialise(
    function: &Function,
    sandbox: &Sandbox,
    limit: Duration,
    kind: SpanKind,
) -> Result<(Span, Initialised), NoCapacity> {
    let started = Instant::now();
    let process = match sandbox.start(function) {
        Ok(process) => process.wait_initialised(limit).map(|took| (process, took)),
        Err(error) if is_shortage(&error) => return Err(NoCapacity(format!("{error:#}"))),
        Err(error) => Err(InvokeError::NotStarted(format!("{error:#}"))),
    };
    let failure = process.as_ref().err().map(ErrorSummary::of_init);
    Ok((Span::init(kind, started, Instant::now(), failure), process))
}

/// An invocation with the headers that the service sends; `limit` is the time left for it.
pub fn invocation(request: Request, limit: Duration) -> Invocation {
    let deadline = SystemTime::now() + limit;
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let trace_id = request.trace_id.unwrap_or_else(|| identifiers::trace_id(&request.request_id));
    let mut headers = Vec::new();
    let mut header = |name: &str, value: Option<String>| {
        headers.extend(value.map(|value| (format!("Lambda-Runtime-{name}"), value)));
    };
    header("Deadline-Ms", Some(deadline.to_string()));
    header("Invoked-Function-Arn", Some(request.arn));
    header("Trace-Id", Some(trace_id));
    header("Client-Context", request.client_context);
    header("Aws-Tenant-Id", request.tenant_id);
    Invocation {
        request_id: request.request_id,
        event: request.event,
        headers,
        attempt_id: identifiers::uuid(),
        live: None,
    }
}

/// Writes Lambda's line for a failed init, with the error appended; around a snapshot, the lines of
/// both phases.
fn start_report(sandbox: &Sandbox, phase: &str, error: Option<&InvokeError>, duration: Duration) {
    let status = error.map(|error| {
        let status = if *error == InvokeError::TimedOut { "timeout" } else { "error" };
        let error_type = report::error_type(error);
        format!("\tStatus: {status}\tError Type: {error_type}\tError: {error}")
    });
    let snapshot = sandbox.process().and_then(|process| process.shared().session().snapshot());
    let init = snapshot.unwrap_or(duration);
    let init_status = status.as_deref().filter(|_| snapshot.is_none());
    if snapshot.is_some() || init_status.is_some() {
        let milliseconds = report::milliseconds(init);
        let status = init_status.unwrap_or_default();
        let message =
            format!("INIT_REPORT Init Duration: {milliseconds:.2} ms\tPhase: {phase}{status}");
        line(sandbox, &message);
    }
    if snapshot.is_some() {
        let milliseconds = report::milliseconds(duration.saturating_sub(init));
        let status = status.unwrap_or_default();
        line(sandbox, &format!("RESTORE_REPORT Restore Duration: {milliseconds:.2} ms{status}"));
    }
}

fn line(sandbox: &Sandbox, message: &str) {
    match sandbox.process().as_ref().and_then(|process| process.log()) {
        Some(log) => log.line(message),
        // No process was ever started, so there is no log.
        None => log::show(format!("{}{message}\n", sandbox.label).as_bytes()),
    }
}
