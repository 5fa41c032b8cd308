//! Access control: which requests are let in at all, before anything is done for them.
//!
//! A web page can send requests to any port of this machine. It must not invoke functions, nor read
//! what they do. Function URLs are made for browsers and take requests of any page; without CORS
//! headers, which only the function itself can add, the page cannot read the answer.

use std::net::IpAddr;

use hyper::Version;
use hyper::header::HOST;

use super::Credentials;
use super::ServiceError;
use super::head::Head;
use super::signature;
use crate::host;
use crate::identifiers;

/// The rules of one server.
#[derive(Debug)]
pub struct Access {
    listens_on: IpAddr,
    /// Names beside this machine's own that clients may call the server by, in lower case.
    names: Vec<String>,
    credentials: Option<Credentials>,
    /// What the page shows in place of a signature.
    token: String,
}

impl Access {
    /// The rules of a server that listens on this address.
    pub fn new(listens_on: IpAddr, names: &[String], credentials: Option<Credentials>) -> Access {
        let names = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        Access { listens_on, names, credentials, token: identifiers::secret() }
    }

    /// What the page's address ends with, where it needs a token.
    pub fn page_query(&self) -> String {
        self.credentials.as_ref().map(|_| format!("?token={}", self.token)).unwrap_or_default()
    }

    /// Refuses a request that believes to talk to another server: its page's name was made to point
    /// here.
    pub fn check_host(&self, head: &Head) -> Result<(), ServiceError> {
        let hosts = head.parts.headers.get_all(HOST).iter().count();
        let Some(authority) = head.authority().filter(|_| hosts <= 1) else {
            return match (head.parts.version, hosts) {
                (Version::HTTP_10, 0) => Ok(()),
                _ => {
                    Err(ServiceError::new(400, "BadRequestException", "One Host header is needed"))
                }
            };
        };
        if self.knows(authority) {
            return Ok(());
        }
        let name = host::without_port(authority);
        Err(ServiceError::denied(format!(
            "The host {name} is none of this server's: call it by localhost or by the address that \
             it listens on, or start it with --host {name}"
        )))
    }

    fn knows(&self, authority: &str) -> bool {
        let host = host::without_port(authority);
        // A page that was loaded from an address has no name that could be pointed elsewhere.
        let address = host.parse::<IpAddr>();
        let reached = |address| self.listens_on == address || self.listens_on.is_unspecified();
        host::is_of_this_machine(authority)
            || address.is_ok_and(reached)
            || self.names.contains(&host.to_ascii_lowercase())
    }

    /// Refuses requests that a page of another site has sent.
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
            "A page of another site ({}) may not invoke functions or see them; it can call a \
             function's URL",
            head.header("origin").or(fetched).unwrap_or_default(),
        )))
    }

    /// Refuses a request that is not signed, where signatures are wanted.
    pub fn check_signature(&self, head: &Head, body: &[u8]) -> Result<(), ServiceError> {
        match &self.credentials {
            Some(credentials) => signature::check(head, body, credentials),
            None => Ok(()),
        }
    }

    /// As [`Access::check_signature`], for a request of the page, which has a token instead.
    pub fn check_token(&self, head: &Head) -> Result<(), ServiceError> {
        let token = head.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        match token {
            Some(token) if signature::same(token.as_bytes(), self.token.as_bytes()) => Ok(()),
            _ => self.check_signature(head, b""),
        }
    }
}
