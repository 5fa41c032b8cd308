//! Lambda's HTTP interface, with which its real clients work unchanged: invocations, streamed
//! invocations and function URLs; and the status page.

mod access;
mod asynchronous;
mod error;
mod event_stream;
mod function_url;
mod head;
mod http_response;
mod invoke;
mod running;
mod signature;
mod url_answer;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use hyper::Request as HttpRequest;
use hyper::Response;
use hyper::body::Incoming;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

pub use self::access::Access;
pub use self::error::ServiceError;
pub use self::http_response::Body;
pub use self::http_response::HttpResponse;
pub use self::signature::Credentials;

use self::asynchronous::Queue;
use self::head::Head;
use self::head::percent_decode;
use self::running::Running;
use crate::clock::Clock;
use crate::function;
use crate::host;
use crate::page;
use crate::placement::Placement;
use crate::placement::Request;
use crate::placement::Throttled;
use crate::placement::Timeline;

/// Limit for the concurrent executions of an account, and of a function without a reservation.
pub const CONCURRENCY: usize = 1000;

/// The functions of one account in one region.
#[derive(Debug)]
pub struct Lambda {
    /// By name.
    pub functions: BTreeMap<String, Arc<Placement>>,
    /// Access control.
    pub access: Access,
    /// The times and the order of what the page shows.
    timeline: Arc<Timeline>,
    /// Runs tasks, and threads for invocations.
    threads: Handle,
    /// The account's free executions.
    executions: Arc<Semaphore>,
    queue: Queue,
}

/// A function as a client named it.
#[derive(Debug)]
pub struct Named<'a> {
    /// Its environments.
    pub placement: &'a Arc<Placement>,
    /// Its ARN, with the qualifier if there was one.
    pub arn: String,
}

impl Lambda {
    /// Serves these functions with the tasks and threads of a runtime.
    pub fn new(
        functions: Vec<Arc<Placement>>,
        access: Access,
        clock: Clock,
        timeline: Arc<Timeline>,
        threads: Handle,
    ) -> Lambda {
        let by_name =
            functions.into_iter().map(|function| (function.function.name.clone(), function));
        let functions = by_name.collect();
        let executions = Arc::new(Semaphore::new(CONCURRENCY));
        let queue = Queue::new(&functions, clock, threads.clone(), Arc::clone(&executions));
        Lambda { functions, access, timeline, threads, executions, queue }
    }

    /// Finds a function by name, partial ARN or ARN, each with or without a qualifier.
    pub fn find(&self, name: &str, qualifier: Option<&str>) -> Result<Named<'_>, ServiceError> {
        let (name, own) = split_name(name);
        if let (Some(own), Some(qualifier)) = (own, qualifier)
            && own != qualifier
        {
            let message = "The derived qualifier from the function name does not match the \
                         specified qualifier.";
            return Err(ServiceError::new(400, "InvalidParameterValueException", message));
        }
        let qualifier = own.or(qualifier).filter(|qualifier| !qualifier.is_empty());
        let region = function::region();
        let mut arn = format!("arn:aws:lambda:{region}:{}:function:{name}", function::ACCOUNT);
        if let Some(qualifier) = qualifier {
            arn.push_str(&format!(":{qualifier}"));
        }
        let latest = qualifier.is_none_or(|qualifier| qualifier == "$LATEST");
        match self.functions.get(name).filter(|_| latest) {
            Some(placement) => Ok(Named { placement, arn }),
            None => Err(ServiceError::not_found(&arn)),
        }
    }

    /// Invokes a function asynchronously, as a schedule or another service does: errors are
    /// retried, and the response is discarded.
    pub fn invoke_event(&self, named: &Named, request: Request) -> Result<(), ServiceError> {
        self.queue.push(named.placement, request)
    }

    /// Starts an invocation whose client waits for the response.
    fn run(
        &self,
        named: &Named,
        request: Request,
        received: Instant,
        live: bool,
    ) -> Result<Running, ServiceError> {
        let Ok(execution) = Arc::clone(&self.executions).try_acquire_owned() else {
            named.placement.refuse_for(Throttled::Account);
            return Err(Throttled::Account.into());
        };
        let (threads, placement) = (&self.threads, named.placement);
        Ok(Running::start(threads, execution, placement, request, received, live))
    }

    /// Ends every environment. Running invocations end with an error.
    pub fn close(&self) {
        thread::scope(|scope| {
            for placement in self.functions.values() {
                scope.spawn(|| placement.close());
            }
        });
    }

    /// Answers a request; `client` is its sender's address.
    pub async fn respond(&self, request: HttpRequest<Incoming>, client: IpAddr) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let head = Head { parts, received: Instant::now(), client };
        let answer = match self.access.check_host(&head) {
            Ok(()) => self.route(head, body).await,
            Err(error) => Err(error),
        };
        answer.unwrap_or_else(|error| error.answer()).into_response()
    }

    /// Dispatches by method and path.
    async fn route(&self, head: Head, body: Incoming) -> Result<HttpResponse, ServiceError> {
        let target = head.target().to_owned();
        if let Some(name) = self.named_by_host(&head) {
            return function_url::respond(self, &name, &target, &head, body).await;
        }
        let path = head.path().to_owned();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (head.method(), parts.as_slice()) {
            (_, ["lambda-url", name, ..]) => {
                let target = target.get("/lambda-url/".len() + name.len()..).unwrap_or_default();
                let name = percent_decode(name);
                return function_url::respond(self, &name, target, &head, body).await;
            }
            // Links from other sites may lead to the page: it contains no data of its own.
            ("GET" | "HEAD", [""]) => {
                return Ok(page_file("text/html; charset=utf-8", page::INDEX));
            }
            ("GET" | "HEAD", ["page", name]) => {
                if let Some((kind, text)) = page::file(name) {
                    return Ok(page_file(kind, text));
                }
            }
            _ => self.access.check_site(&head)?,
        }
        match (head.method(), parts.as_slice()) {
            ("POST", ["2015-03-31", "functions", name, "invocations"]) => {
                invoke::buffered(self, &percent_decode(name), &head, body).await
            }
            ("POST", ["2021-11-15", "functions", name, "response-streaming-invocations"]) => {
                invoke::streamed(self, &percent_decode(name), head, body).await
            }
            ("GET", ["environments"]) => {
                self.access.check_token(&head, b"")?;
                Ok(self.environments(head.query_value("since")))
            }
            ("GET", ["environments", "logs", span]) => {
                self.access.check_token(&head, b"")?;
                self.log(span)
            }
            (method, _) => {
                let message = format!(
                    "{method} {path} is not served; there are POST /2015-03-31/functions/NAME/invocations, \
                     /lambda-url/NAME/, /environments and /"
                );
                // A body is not wanted, however long it is.
                let _ = head::read(body, 0).await;
                Err(ServiceError::new(404, "UnknownOperationException", message))
            }
        }
    }

    /// The function of a request to `http://NAME.localhost:PORT/`, which is a function URL.
    fn named_by_host(&self, head: &Head) -> Option<String> {
        let name = host::without_port(head.authority()?).strip_suffix(".localhost")?;
        self.functions.contains_key(name).then(|| name.to_owned())
    }

    /// The state of the functions, or its changes after the cursor `since` of an earlier answer.
    fn environments(&self, since: Option<&str>) -> HttpResponse {
        let range = self.timeline.range(since);
        let functions = self.functions.values().map(|function| function.json(range));
        let functions: Vec<_> = functions.collect();
        let body = json!({
            "now_ms": self.timeline.at(Instant::now()),
            "started_unix_ms": self.timeline.started_unix_ms,
            "cursor": self.timeline.cursor(range),
            "complete": range.is_complete(),
            "functions": functions,
        });
        HttpResponse::json(200, body.to_string()).with("Cache-Control", "no-store")
    }

    /// The log of one invocation, ping or failed init, by the `id` of its span.
    fn log(&self, span: &str) -> Result<HttpResponse, ServiceError> {
        let id = span.parse().ok();
        let log = id.and_then(|id| self.functions.values().find_map(|function| function.log(id)));
        let Some(log) = log else {
            let message = format!("The log of {span} is not kept, or not any more");
            return Err(ServiceError::new(404, "ResourceNotFoundException", message));
        };
        let text = String::from_utf8_lossy(&log.bytes);
        let body = json!({ "log": text, "dropped_bytes": log.dropped });
        Ok(HttpResponse::json(200, body.to_string()).with("Cache-Control", "no-store"))
    }
}

/// The response with a file of the page.
fn page_file(kind: &str, text: &'static str) -> HttpResponse {
    HttpResponse::new(200, text)
        .with("Content-Type", kind)
        .with("Content-Security-Policy", page::POLICY)
        .with("X-Content-Type-Options", "nosniff")
        .with("Cache-Control", "no-cache")
        .with("Referrer-Policy", "no-referrer")
}

/// Splits a function's name from its qualifier.
fn split_name(name: &str) -> (&str, Option<&str>) {
    // arn:aws:lambda:REGION:ACCOUNT:function:NAME, or ACCOUNT:function:NAME.
    let name = match name.split_once(":function:") {
        Some((_, name)) => name,
        None => name.strip_prefix("function:").unwrap_or(name),
    };
    match name.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_named_in_every_form() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:echo";
        assert_eq!(split_name("echo"), ("echo", None));
        assert_eq!(split_name("echo:$LATEST"), ("echo", Some("$LATEST")));
        assert_eq!(split_name(arn), ("echo", None));
        assert_eq!(split_name("123456789012:function:echo:7"), ("echo", Some("7")));
    }
}
