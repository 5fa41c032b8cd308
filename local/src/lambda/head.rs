//! A request's head, and reading its body within limits.

use std::net::IpAddr;
use std::time::Duration;
use std::time::Instant;

use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use hyper::body::Incoming;
use hyper::http::request::Parts;

use super::ServiceError;

/// Limit for a pause within a body.
const BODY_LIMIT: Duration = Duration::from_secs(20);
/// Limit for a body that is too long and is read anyway, in bytes: most clients read the response
/// only after they have sent everything. With a longer body, the connection is closed.
const MAX_IGNORED: u64 = 64 << 20;

/// A request without its body.
#[derive(Debug)]
pub struct Head {
    /// Method, target, version and header lines.
    pub parts: Parts,
    /// The arrival time.
    pub received: Instant,
    /// The client's address.
    pub client: IpAddr,
}

impl Head {
    /// `GET`, `POST` and so on.
    pub fn method(&self) -> &str {
        self.parts.method.as_str()
    }

    /// The path with its query, as sent.
    pub fn target(&self) -> &str {
        self.parts.uri.path_and_query().map_or("/", |target| target.as_str())
    }

    /// The path without its query.
    pub fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// The query, without its question mark.
    pub fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    /// The value of a name in the query, as sent.
    pub fn query_value(&self, name: &str) -> Option<&str> {
        let mut pairs = self.query().split('&').filter_map(|pair| pair.split_once('='));
        pairs.find_map(|(known, value)| (known == name).then_some(value))
    }

    /// A header's value, by its name in lower case, if it is UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.parts.headers.get(name)?.as_bytes()).ok()
    }

    /// The host and port that the client addresses: those of an absolute target, or `Host`.
    pub fn authority(&self) -> Option<&str> {
        let of_target = self.parts.uri.authority().map(|authority| authority.as_str());
        of_target.or_else(|| self.header("host"))
    }
}

/// Reads a body of at most `limit` bytes.
pub async fn read(mut body: Incoming, limit: usize) -> Result<Vec<u8>, ServiceError> {
    // Chunked bodies announce no length; the loop counts them.
    let announced = body.size_hint().lower();
    if announced > MAX_IGNORED {
        return Err(ServiceError::too_large(limit));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(announced).unwrap_or(0).min(limit));
    let mut length = 0;
    loop {
        let Ok(frame) = tokio::time::timeout(BODY_LIMIT, body.frame()).await else {
            return Err(ServiceError::new(
                408,
                "RequestTimeoutException",
                format!("The body paused for {} seconds before its end", BODY_LIMIT.as_secs()),
            ));
        };
        let data = match frame {
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            Some(Err(error)) => {
                let message = format!("Cannot read the body: {error}");
                return Err(ServiceError::new(400, "SerializationException", message));
            }
            None if length > limit as u64 => return Err(ServiceError::too_large(limit)),
            None => return Ok(bytes),
        };
        length += data.len() as u64;
        if length > MAX_IGNORED {
            return Err(ServiceError::too_large(limit));
        }
        if length <= limit as u64 {
            bytes.extend_from_slice(&data);
        }
    }
}

/// Percent-decodes one part of a path or query; an invalid escape is kept as it is.
pub fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        match byte.filter(|_| bytes[at] == b'%') {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_and_all_else_is_kept() {
        assert_eq!(percent_decode("f%3A%24LATEST"), "f:$LATEST");
        assert_eq!(percent_decode("100%"), "100%");
        assert_eq!(percent_decode("%zz%C3%A4"), "%zzä");
    }
}
