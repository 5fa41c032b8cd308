//! Names that pings and other events use on the wire.
//!
//! Sources: lambda-warmer 2.3.0 (npm) and lambda-warmer-py 0.6.0 (PyPI), whose fields these are;
//! serverless-plugin-warmup 8.4.1; the events of API Gateway, load balancers, queues and streams.

/// Value of [`SOURCE`] in the pings of serverless-plugin-warmup.
pub const PLUGIN: &[u8] = b"serverless-plugin-warmup";
/// Field that names the sender.
pub const SOURCE: &[u8] = b"source";

/// Number of a ping within its fan-out.
pub const INVOCATION: &[u8] = b"__WARMER_INVOCATION__";
/// Number of pings in the fan-out.
pub const CONCURRENCY: &[u8] = b"__WARMER_CONCURRENCY__";
/// Id that the pings of a fan-out share, as lambda-warmer spells it.
pub const CORRELATION_ID: &[u8] = b"__WARMER_CORRELATIONID__";
/// The same, as lambda-warmer-py spells it.
pub const CORRELATION_ID_OF_PYTHON: &[u8] = b"__WARMER_CORRELATION_ID__";

/// Field of events from HTTP. They are never pings: anyone can send them.
pub const REQUEST_CONTEXT: &[u8] = b"requestContext";
/// Field of events from queues, topics and streams. They are never pings: anyone can send them.
pub const RECORDS: &[u8] = b"Records";
/// Field of scheduled events: a list of ARNs, of which one names the rule or schedule.
pub const RESOURCES: &[u8] = b"resources";
