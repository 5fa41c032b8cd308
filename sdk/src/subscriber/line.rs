//! One record of the log.

use std::fmt::Write as _;

use tracing::Event;
use tracing::Metadata;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime as _;
use tracing_subscriber::fmt::time::SystemTime;

use super::fields::Fields;
use super::fields::quoted;
use crate::invocation_span::NAME;
use crate::invocation_span::REQUEST_ID;
use crate::invocation_span::TARGET;
use crate::invocation_span::only_request_id;

/// A record, as the parts of its line.
pub struct Line {
    level: &'static str,
    target: &'static str,
    message: String,
    fields: Fields,
    /// The fields of the span of the invocation.
    invocation: Fields,
    /// All other spans, outermost first.
    spans: Vec<(&'static str, Fields)>,
}

impl Line {
    /// The record of an event, without its spans.
    pub fn of(event: &Event<'_>) -> Line {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.take("message").unwrap_or_default();
        Line {
            level: event.metadata().level().as_str(),
            target: event.metadata().target(),
            message,
            fields,
            invocation: Fields::default(),
            spans: Vec::new(),
        }
    }

    /// Adds a span that is inside those that were added before.
    pub fn add_span(&mut self, span: &'static Metadata<'static>, fields: &Fields) {
        if span.target() == TARGET && span.name() == NAME {
            self.invocation = fields.clone();
        } else {
            self.spans.push((span.name(), fields.clone()));
        }
    }

    /// The line in JSON.
    pub fn into_json(mut self) -> String {
        let mut line = format!(
            r#"{{"timestamp":"{}","level":"{}","target":{}"#,
            timestamp(),
            self.level,
            quoted(self.target),
        );
        // Writing to a String cannot fail.
        if let Some(id) = self.take_request_id() {
            let _ = write!(line, r#","{REQUEST_ID}":{}"#, quoted(&id));
        }
        add_fields(&mut line, &self.invocation);
        let _ = write!(line, r#","message":{}"#, quoted(&self.message));
        if !self.fields.is_empty() {
            let mut fields = String::new();
            add_fields(&mut fields, &self.fields);
            let _ = write!(line, r#","fields":{{{}}}"#, fields.trim_start_matches(','));
        }
        for (index, (name, fields)) in self.spans.iter().enumerate() {
            line.push_str(if index == 0 { r#","spans":["# } else { "," });
            let _ = write!(line, r#"{{"name":{}"#, quoted(name));
            add_fields(&mut line, fields);
            line.push('}');
        }
        line.push_str(if self.spans.is_empty() { "}\n" } else { "]}\n" });
        line
    }

    /// The line in text.
    pub fn into_text(mut self) -> String {
        let id = self.take_request_id().unwrap_or_else(|| "-".into());
        let mut line = format!("{}\t{id}\t{}\t{}: ", timestamp(), self.level, self.target);
        for (name, fields) in &self.spans {
            // Writing to a String cannot fail.
            let _ = match fields.is_empty() {
                true => write!(line, "{name}: "),
                false => write!(line, "{name}{{{fields}}}: "),
            };
        }
        line.push_str(&self.message);
        if !self.fields.is_empty() {
            let separator = if self.message.is_empty() { "" } else { " " };
            let _ = write!(line, "{separator}{}", self.fields);
        }
        // CloudWatch ends a record at a line feed.
        let mut line = line.replace('\n', "\r");
        line.push('\n');
        line
    }

    fn take_request_id(&mut self) -> Option<String> {
        self.invocation.take(REQUEST_ID).or_else(only_request_id)
    }
}

/// Adds the members of a JSON object, each with a comma before it.
fn add_fields(line: &mut String, fields: &Fields) {
    for (name, value) in fields.iter() {
        // Writing to a String cannot fail.
        let _ = write!(line, ",{}:{value}", quoted(name));
    }
}

/// The time in the form of the runtime's own records: RFC 3339 with milliseconds.
fn timestamp() -> String {
    let mut time = String::new();
    // Writing to a String cannot fail. The form has microseconds.
    let _ = SystemTime.format_time(&mut Writer::new(&mut time));
    time.truncate("2026-11-21T03:04:05.678".len());
    time.push('Z');
    time
}
