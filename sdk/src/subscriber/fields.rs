//! Fields of an event or of a span.

use std::error::Error;
use std::fmt;

use tracing::field::Field;
use tracing::field::Visit;

use crate::describe::with_causes;

/// The fields that have been recorded, in their order.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(&'static str, FieldValue)>);

/// The value of a field.
#[derive(Clone, Debug)]
pub enum FieldValue {
    Text(String),
    /// A number or a boolean, as in JSON.
    Plain(String),
}

impl Fields {
    /// Removes a field, and returns it without quotes.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|(found, _)| *found == name)?;
        let (FieldValue::Text(text) | FieldValue::Plain(text)) = self.0.remove(index).1;
        Some(text)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &FieldValue)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    fn set(&mut self, field: &Field, value: FieldValue) {
        // A field may be called like a keyword.
        let name = field.name().strip_prefix("r#").unwrap_or(field.name());
        match self.0.iter_mut().find(|(found, _)| *found == name) {
            Some((_, found)) => *found = value,
            None => self.0.push((name, value)),
        }
    }

    fn set_text(&mut self, field: &Field, text: String) {
        self.set(field, FieldValue::Text(text));
    }

    fn set_plain(&mut self, field: &Field, value: impl fmt::Display) {
        self.set(field, FieldValue::Plain(value.to_string()));
    }
}

impl fmt::Display for FieldValue {
    /// The value in JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldValue::Text(text) => f.write_str(&quoted(text)),
            FieldValue::Plain(value) => f.write_str(value),
        }
    }
}

impl fmt::Display for Fields {
    /// `name=value name="text"`, as `tracing` itself shows fields.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            write!(f, "{separator}{name}={value}")?;
        }
        Ok(())
    }
}

/// A text in JSON.
pub fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text can always be written")
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no words for infinity and the like.
        if value.is_finite() {
            self.set_plain(field, value);
        } else {
            self.set_text(field, value.to_string());
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set_plain(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set_plain(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set_plain(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set_text(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.set_text(field, with_causes(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set_text(field, format!("{value:?}"));
    }
}
