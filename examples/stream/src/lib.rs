//! Streams its response: `{"chunks":3}` gets three lines of plain text, each sent when it is
//! written. So does a request to a function URL with `?chunks=3`, as HTTP.

use std::io;
use std::io::Write;

use pilotlight::Prelude;
use pilotlight::ResponseStream;
use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    chunks: Option<u32>,
    /// Present only in events from a function URL or API Gateway.
    request_context: Option<IgnoredAny>,
    query_string_parameters: Option<Query>,
}

#[derive(Deserialize)]
struct Query {
    chunks: Option<String>,
}

fn count(request: Request, mut response: ResponseStream) -> io::Result<()> {
    if request.request_context.is_some() {
        response.begin_http(Prelude::new(200).header("Content-Type", "text/plain"))?;
    } else {
        response.begin("text/plain")?;
    }
    let in_query = request.query_string_parameters.and_then(|query| query.chunks?.parse().ok());
    let chunks = request.chunks.or(in_query).unwrap_or(1);
    for chunk in 1..=chunks {
        writeln!(response, "chunk {chunk} of {chunks}")?;
    }
    Ok(())
}

pilotlight::handler!(count);
