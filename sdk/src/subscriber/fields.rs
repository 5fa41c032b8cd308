//! Fields of an event or of a span.

use std::error::Error;
use std::fmt;

use serde_json::Map;
use serde_json::Value;
use tracing::field::Field;
use tracing::field::Visit;

use crate::describe::with_causes;

/// The fields that have been recorded, in their order.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// Removes and returns a field.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        let index = self.0.iter().position(|(found, _)| *found == name)?;
        Some(self.0.remove(index).1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// The fields as a JSON object.
    pub fn to_object(&self) -> Map<String, Value> {
        self.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }

    fn set(&mut self, field: &Field, value: Value) {
        // A field may be called like a keyword.
        let name = field.name().strip_prefix("r#").unwrap_or(field.name());
        match self.0.iter_mut().find(|(found, _)| *found == name) {
            Some((_, found)) => *found = value,
            None => self.0.push((name, value)),
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

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no word for infinity.
        let number = Value::from(value);
        self.set(field, if number.is_null() { value.to_string().into() } else { number });
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.set(field, with_causes(value).into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}").into());
    }
}
