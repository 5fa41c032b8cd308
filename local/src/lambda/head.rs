//! A request's head, and its body within limits.

use std::net::IpAddr;
use std::time::Duration;
use std::time::Instant;

use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use hyper::body::Incoming;
use hyper::http::request::Parts;

use super::ServiceError;

/// How long a client may send nothing of a body that it has announced.
const BODY_LIMIT: Duration = Duration::from_secs(20);
/// A body up to this size, in bytes, is read although it is too long, because most clients look for an
/// answer only after they have sent everything. At a longer one the connection is closed.
const MAX_IGNORED: u64 = 64 << 20;

/// What a request says before its body.
#[derive(Debug)]
pub struct Head {
    /// Method, target, version and header lines.
    pub parts: Parts,
    /// When it was there.
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

    /// A header's value, by its name in lower case, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.parts.headers.get(name)?.as_bytes()).ok()
    }

    /// The host and port that the client believes to talk to: those of an absolute target, or `Host`.
    pub fn authority(&self) -> Option<&str> {
        let of_target = self.parts.uri.authority().map(|authority| authority.as_str());
        of_target.or_else(|| self.header("host"))
    }
}

/// Reads a body of at most `limit` bytes.
pub async fn read(mut body: Incoming, limit: usize) -> Result<Vec<u8>, ServiceError> {
    // Chunked bodies announce nothing, and are counted.
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
                format!("The body stopped for {} seconds before its end", BODY_LIMIT.as_secs()),
            ));
        };
        let data = match frame {
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            Some(Err(error)) => {
                let message = format!("The body cannot be read: {error}");
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

/// Percent-decodes one part of a path or query; what is no escape stays as it is.
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
