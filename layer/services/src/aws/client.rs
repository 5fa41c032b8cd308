//! Calls of services, signed with the function's role.

use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use http::Method;
use http::Request;

use super::Service;
use super::credentials;
use super::endpoint;
use super::sign::sign;
use super::transport::Response;
use super::transport::Transport;
use crate::variables::Variables;

/// A request to a service.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The service.
    pub service: &'a Service,
    /// The method.
    pub method: Method,
    /// The path and query, percent-encoded.
    pub path: &'a str,
    /// Headers, all of which are signed. Names in lower case, values in ASCII.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body; empty for none.
    pub body: &'a [u8],
    /// Time-out of the whole call, from connecting to the last byte of the response.
    pub timeout: Duration,
    /// Whether the request may arrive twice: if so, it is sent again when a connection fails.
    pub is_idempotent: bool,
}

/// Calls services with the function's role.
#[derive(Debug)]
pub struct Client {
    variables: Variables,
    transport: Transport,
}

impl Client {
    /// A client for the environment's region and role.
    pub fn new(variables: Variables) -> Client {
        let transport = Transport::new(&variables);
        Client { variables, transport }
    }

    /// The environment's region.
    pub fn region(&self) -> Result<&str, String> {
        let region = self.variables.get("AWS_REGION");
        region
            .or_else(|| self.variables.get("AWS_DEFAULT_REGION"))
            .ok_or_else(|| "AWS_REGION is not set".to_owned())
    }

    /// The environment.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// Makes a call. Err: no response came.
    pub fn call(&self, call: &Call) -> Result<Response, String> {
        let started = Instant::now();
        let region = self.region()?;
        let endpoint = endpoint::url(call.service, region, &self.variables);
        let mut request =
            Request::builder().method(call.method.clone()).uri(format!("{endpoint}{}", call.path));
        for &(name, value) in call.headers {
            request = request.header(name, value);
        }
        let mut request =
            request.body(call.body).map_err(|error| format!("{endpoint}: {error}"))?;
        let credentials = credentials::current(&self.variables, &self.transport)?;
        let signing_name = call.service.signing_name;
        sign(&mut request, credentials, region, signing_name, SystemTime::now())?;
        let timeout = call.timeout.saturating_sub(started.elapsed());
        let answer = self.transport.send(&request, timeout, call.is_idempotent);
        answer.map_err(|error| format!("{endpoint}: {error}"))
    }
}
