//! Lambda's own interface, so that its real clients work unchanged: invocations, streamed ones,
//! function URLs; and the page.

mod asynchronous;
mod event_stream;
mod function_url;
mod invoke;
mod refusal;
mod signature;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;

pub use self::refusal::Refusal;
pub use self::signature::Credentials;

use self::asynchronous::Queue;
use crate::clock::Clock;
use crate::function;
use crate::http::Answer;
use crate::http::Connection;
use crate::http::Head;
use crate::http::percent_decode;
use crate::page;
use crate::placement::Placement;
use crate::placement::Request;

/// Everything that is served: the functions of one account in one region.
#[derive(Debug)]
pub struct Lambda {
    /// By name.
    pub functions: BTreeMap<String, Arc<Placement>>,
    /// What clients have to sign with, if anything.
    pub credentials: Option<Credentials>,
    /// What times that are shown count from.
    pub epoch: Instant,
    queue: Queue,
}

/// A function as a client has named it.
#[derive(Debug)]
pub struct Named<'a> {
    /// Its environments.
    pub placement: &'a Arc<Placement>,
    /// Its ARN, with the qualifier if one was named.
    pub arn: String,
}

impl Lambda {
    /// Serves these functions.
    pub fn new(
        functions: Vec<Arc<Placement>>,
        credentials: Option<Credentials>,
        clock: Clock,
        epoch: Instant,
    ) -> Lambda {
        let by_name =
            functions.into_iter().map(|function| (function.function.name.clone(), function));
        Lambda { functions: by_name.collect(), credentials, epoch, queue: Queue::new(clock) }
    }

    /// Finds what a client names: a name, a partial ARN or an ARN, each with or without a qualifier.
    pub fn find(&self, name: &str, qualifier: Option<&str>) -> Result<Named<'_>, Refusal> {
        let (name, own) = split_name(name);
        if let (Some(own), Some(qualifier)) = (own, qualifier)
            && own != qualifier
        {
            let words = "The derived qualifier from the function name does not match the \
                         specified qualifier.";
            return Err(Refusal::new(400, "InvalidParameterValueException", words));
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
            None => Err(Refusal::not_found(&arn)),
        }
    }

    /// Invokes a function asynchronously, as a schedule or another service does: tried again on
    /// errors, and the answer goes nowhere.
    pub fn invoke_event(&self, named: &Named, request: Request) -> Result<(), Refusal> {
        self.queue.push(named.placement, request)
    }

    /// Ends every environment. Invocations that are under way end with an error.
    pub fn close(&self) {
        self.queue.close();
        std::thread::scope(|scope| {
            for placement in self.functions.values() {
                scope.spawn(|| placement.close());
            }
        });
    }

    /// Serves a connection to its end.
    pub fn serve(&self, mut connection: Connection) {
        loop {
            // One that breaks, or is no HTTP, is over.
            let Ok(Some(head)) = connection.read_head() else { return };
            if !matches!(self.respond(&head, &mut connection), Ok(true)) {
                return;
            }
        }
    }

    /// All paths on one page. Says whether the connection can serve another request.
    fn respond(&self, head: &Head, connection: &mut Connection) -> io::Result<bool> {
        if let Some(name) = self.named_by_host(head) {
            return function_url::respond(self, &name, head.target.as_str(), head, connection);
        }
        let path = head.path().to_owned();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (head.method.as_str(), parts.as_slice()) {
            ("POST", ["2015-03-31", "functions", name, "invocations"]) => {
                invoke::buffered(self, &percent_decode(name), head, connection)
            }
            ("POST", ["2021-11-15", "functions", name, "response-streaming-invocations"]) => {
                invoke::streamed(self, &percent_decode(name), head, connection)
            }
            (_, ["lambda-url", name, ..]) => {
                let prefix = "/lambda-url/".len() + name.len();
                let target = head.target.get(prefix..).unwrap_or_default();
                function_url::respond(self, &percent_decode(name), target, head, connection)
            }
            ("GET" | "HEAD", [""]) => connection.write(head, &page::page()),
            ("GET", ["environments"]) => connection.write(head, &self.environments()),
            _ => {
                let words = format!(
                    "{} {path} is not served; there are POST /2015-03-31/functions/NAME/invocations, \
                     /lambda-url/NAME/, /environments and /",
                    head.method
                );
                invoke::ignore_body(head, connection)?;
                let refusal = Refusal::new(404, "UnknownOperationException", words);
                connection.write(head, &refusal.answer())
            }
        }
    }

    /// `http://NAME.localhost:PORT/` is a function's URL, with paths of its own.
    fn named_by_host(&self, head: &Head) -> Option<String> {
        let host = head.header("host")?.split(':').next()?;
        let name = host.strip_suffix(".localhost")?;
        self.functions.contains_key(name).then(|| name.to_owned())
    }

    fn environments(&self) -> Answer {
        let functions: Vec<_> = self.functions.values().map(|function| function.json()).collect();
        let now = crate::report::milliseconds(self.epoch.elapsed());
        let body = json!({ "now_ms": now, "functions": functions });
        crate::http::json(200, body.to_string()).with("Cache-Control", "no-store")
    }
}

/// A function's name, and the qualifier that came with it.
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
