//! One pass over an event: borrows the parts of a request from its bytes.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::Visitor;

use super::json::Pairs;
use super::json::Text;

/// The parts of an event of any kind that a request is made of.
#[derive(Debug, Default)]
pub struct Event<'a> {
    /// `version`: of the payload format, if the kind has several.
    pub version: Option<Text<'a>>,
    /// `httpMethod`, or VPC Lattice's `method`.
    pub method: Option<Text<'a>>,
    /// `path`, or `rawPath`.
    pub path: Option<Text<'a>>,
    /// `rawQueryString`.
    pub raw_query: Option<Text<'a>>,
    /// `queryStringParameters`.
    pub query: Option<Pairs<'a>>,
    /// `multiValueQueryStringParameters`.
    pub multi_query: Option<Pairs<'a>>,
    /// `headers`.
    pub headers: Option<Pairs<'a>>,
    /// `multiValueHeaders`.
    pub multi_headers: Option<Pairs<'a>>,
    /// `cookies`.
    pub cookies: Option<Vec<Text<'a>>>,
    /// `body`.
    pub body: Option<Text<'a>>,
    /// `isBase64Encoded`.
    pub is_base64: bool,
    /// The parts of `requestContext`.
    pub context: ContextParts<'a>,
    /// `requestContext` as JSON.
    pub context_json: Option<&'a str>,
    /// `pathParameters` as JSON.
    pub path_parameters: Option<&'a str>,
    /// `stageVariables` as JSON.
    pub stage_variables: Option<&'a str>,
    /// A key that tells a kind of event that is no request.
    pub foreign: Option<Foreign>,
}

/// A kind of event that is no request, or one that cannot be answered as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// `Records`: from a queue, a topic, a stream, a bucket.
    Records,
    /// `methodArn` or `routeArn`: asks whether a request is allowed.
    Authorizer,
    /// `detail-type`: from EventBridge.
    EventBridge,
    /// `raw_path`: version 1 of VPC Lattice's format.
    LatticeV1,
}

impl<'a> Event<'a> {
    /// Reads an event.
    pub fn read(text: &'a str) -> Result<Event<'a>, serde_json::Error> {
        let mut json = serde_json::Deserializer::from_str(text);
        let event = (&mut json).deserialize_map(EventVisitor { text })?;
        json.end()?;
        Ok(event)
    }
}

/// Values that are kept as JSON are the text between their key and the next one. (`RawValue` would
/// read the context twice, and its feature would make all of `serde_json` slower.)
struct EventVisitor<'a> {
    text: &'a str,
}

impl<'a> EventVisitor<'a> {
    /// The offset of a key's first character.
    fn offset(&self, key: &str) -> usize {
        key.as_ptr().addr() - self.text.as_ptr().addr()
    }

    /// Keeps the value of this key, which is followed at `end` by the next key or the event's end.
    fn keep(&self, event: &mut Event<'a>, key: Option<&str>, end: usize) {
        let Some(key) = key else { return };
        let between = &self.text[self.offset(key) + key.len()..end];
        let space = [' ', '\t', '\r', '\n'];
        let value = between.trim_start_matches('"').trim_start_matches(space);
        let value = value.trim_start_matches(':').trim_matches(space);
        let value = value.strip_suffix(',').unwrap_or(value).trim_end_matches(space);
        match key {
            "requestContext" => event.context_json = Some(value),
            "pathParameters" => event.path_parameters = Some(value),
            _ => event.stage_variables = Some(value),
        }
    }
}

impl<'a> Visitor<'a> for EventVisitor<'a> {
    type Value = Event<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the event of an HTTP request")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Event<'a>, M::Error> {
        let mut event = Event::default();
        let mut begun = None;
        while let Some(key) = map.next_key::<&'a str>()? {
            // The quotation mark before the next key is not part of the value.
            self.keep(&mut event, begun.take(), self.offset(key) - 1);
            match key {
                "version" => event.version = map.next_value()?,
                "httpMethod" | "method" => event.method = map.next_value()?,
                "path" | "rawPath" => event.path = map.next_value()?,
                "rawQueryString" => event.raw_query = map.next_value()?,
                "queryStringParameters" => event.query = map.next_value()?,
                "multiValueQueryStringParameters" => event.multi_query = map.next_value()?,
                "headers" => event.headers = map.next_value()?,
                "multiValueHeaders" => event.multi_headers = map.next_value()?,
                "cookies" => event.cookies = map.next_value()?,
                "body" => event.body = map.next_value()?,
                "isBase64Encoded" => {
                    event.is_base64 = map.next_value::<Option<bool>>()?.unwrap_or_default();
                }
                "requestContext" => {
                    begun = Some(key);
                    event.context = map.next_value::<Option<_>>()?.unwrap_or_default();
                }
                "pathParameters" | "stageVariables" => {
                    begun = Some(key);
                    map.next_value::<IgnoredAny>()?;
                }
                other => {
                    // Emulators send keys of other kinds, too, which are null.
                    let is_there = map.next_value::<Option<IgnoredAny>>()?.is_some();
                    event.foreign = event.foreign.or(foreign(other).filter(|_| is_there));
                }
            }
        }
        // If more than white space follows the event, it is refused after this.
        self.keep(&mut event, begun, self.text.rfind('}').unwrap_or(self.text.len()));
        Ok(event)
    }
}

fn foreign(key: &str) -> Option<Foreign> {
    Some(match key {
        "Records" => Foreign::Records,
        "methodArn" | "routeArn" => Foreign::Authorizer,
        "detail-type" => Foreign::EventBridge,
        "raw_path" => Foreign::LatticeV1,
        _ => return None,
    })
}

/// The parts of a request's context that a request is made of.
#[derive(Debug, Default)]
pub struct ContextParts<'a> {
    /// `http.method`.
    pub method: Option<Text<'a>>,
    /// `domainName`.
    pub domain_name: Option<Text<'a>>,
    /// `path`: the path as the client sent it.
    pub path: Option<Text<'a>>,
    /// `stage`.
    pub stage: Option<Text<'a>>,
    /// Whether there is `elb`.
    pub is_load_balancer: bool,
    /// Whether there is `serviceNetworkArn` or `serviceArn`.
    pub is_lattice: bool,
    /// Whether there is `connectionId`.
    pub is_websocket: bool,
}

impl<'a> Deserialize<'a> for ContextParts<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<ContextParts<'a>, D::Error> {
        deserializer.deserialize_map(ContextVisitor)
    }
}

struct ContextVisitor;

impl<'a> Visitor<'a> for ContextVisitor {
    type Value = ContextParts<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the context of an HTTP request")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<ContextParts<'a>, M::Error> {
        let mut parts = ContextParts::default();
        while let Some(key) = map.next_key::<Text>()? {
            match &*key {
                "http" => parts.method = map.next_value::<Http>()?.0,
                "domainName" => parts.domain_name = map.next_value()?,
                "path" => parts.path = map.next_value()?,
                "stage" => parts.stage = map.next_value()?,
                other => {
                    parts.is_load_balancer |= other == "elb";
                    parts.is_lattice |= matches!(other, "serviceNetworkArn" | "serviceArn");
                    parts.is_websocket |= other == "connectionId";
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(parts)
    }
}

/// The method in `requestContext.http`.
struct Http<'a>(Option<Text<'a>>);

impl<'a> Deserialize<'a> for Http<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Http<'a>, D::Error> {
        deserializer.deserialize_map(HttpVisitor)
    }
}

struct HttpVisitor;

impl<'a> Visitor<'a> for HttpVisitor {
    type Value = Http<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map with the method of an HTTP request")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Http<'a>, M::Error> {
        let mut method = None;
        while let Some(key) = map.next_key::<Text>()? {
            if &*key == "method" {
                method = map.next_value()?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Http(method))
    }
}
