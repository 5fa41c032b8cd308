//! Access control: refuses requests before anything is done for them.
//!
//! A web page can send requests to any port of this machine. It must not invoke functions, nor read
//! their state. Function URLs are made for browsers and accept requests of any page; without CORS
//! headers, which only the function itself can add, the page cannot read the response.

use std::net::IpAddr;

use hyper::Version;
use hyper::header::HOST;

use super::Credentials;
use super::ServiceError;
use super::head::Head;
use super::signature;
use crate::host;
use crate::identifiers;

/// The access rules of a server.
#[derive(Debug)]
pub struct Access {
    listens_on: IpAddr,
    /// Further host names that clients may use, in lower case.
    names: Vec<String>,
    credentials: Option<Credentials>,
    /// The page sends it in place of a signature.
    token: String,
}

impl Access {
    /// The rules of a server that listens on this address.
    pub fn new(listens_on: IpAddr, names: &[String], credentials: Option<Credentials>) -> Access {
        let names = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        Access { listens_on, names, credentials, token: identifiers::secret() }
    }

    /// The query of the page's address: its token, if one is needed.
    pub fn page_query(&self) -> String {
        self.credentials.as_ref().map(|_| format!("?token={}", self.token)).unwrap_or_default()
    }

    /// Refuses a request for another host: a page whose name was made to resolve to this machine.
    pub fn check_host(&self, head: &Head) -> Result<(), ServiceError> {
        let hosts = head.parts.headers.get_all(HOST).iter().count();
        let Some(authority) = head.authority().filter(|_| hosts <= 1) else {
            return match (head.parts.version, hosts) {
                (Version::HTTP_10, 0) => Ok(()),
                _ => Err(ServiceError::new(
                    400,
                    "BadRequestException",
                    "Exactly one Host is required",
                )),
            };
        };
        if self.knows(authority) {
            return Ok(());
        }
        let name = host::without_port(authority);
        Err(ServiceError::denied(format!(
            "The host {name} is not a name of this server: use localhost or the address that it \
             listens on, or start it with --host {name}"
        )))
    }

    fn knows(&self, authority: &str) -> bool {
        let host = host::without_port(authority);
        // An address as the host is safe: a page loaded from it has no name to be re-resolved.
        let address = host.parse::<IpAddr>();
        let reached = |address| self.listens_on == address || self.listens_on.is_unspecified();
        host::is_of_this_machine(authority)
            || address.is_ok_and(reached)
            || self.names.contains(&host.to_ascii_lowercase())
    }

    /// Refuses requests sent by a page of another site.
    pub fn check_site(&self, head: &Head) -> Result<(), ServiceError> {
        let fetched = head.header("sec-fetch-site");
        let foreign_fetch = fetched.is_some_and(|site| !matches!(site, "same-origin" | "none"));
        let own = |origin: &str| {
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            let host = head.authority();
            authority.zip(host).is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
        };
        let foreign_origin = head.header("origin").is_some_and(|origin| !own(origin));
        if !foreign_fetch && !foreign_origin {
            return Ok(());
        }
        Err(ServiceError::denied(format!(
            "A page of another site ({}) must not invoke or list functions; it can use a function \
             URL",
            head.header("origin").or(fetched).unwrap_or_default(),
        )))
    }

    /// Refuses a request without a valid signature, if the server has credentials.
    pub fn check_signature(&self, head: &Head, body: &[u8]) -> Result<(), ServiceError> {
        match &self.credentials {
            Some(credentials) => signature::check(head, body, credentials),
            None => Ok(()),
        }
    }

    /// Like [`Access::check_signature`], but also accepts the page's token.
    pub fn check_token(&self, head: &Head, body: &[u8]) -> Result<(), ServiceError> {
        let token = head.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        match token {
            Some(token) if signature::same(token.as_bytes(), self.token.as_bytes()) => Ok(()),
            _ => self.check_signature(head, body),
        }
    }
}
