//! Feature flags in the form of AWS AppConfig's feature-flag profiles:
//! `{"formal":{"enabled":true,"greeting":"Good day"}}`.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Map;
use serde_json::Value;

use super::parsed::get_as;

/// The feature flags of one configuration value, as they were when [`flags`] read it.
#[derive(Clone, Debug, Default)]
pub struct Flags(Arc<HashMap<String, Map<String, Value>>>);

/// Returns the feature flags of the configuration value `name`: no flags before the first readable
/// value has arrived.
///
/// ```
/// let flags = pilotlight::config::flags("flags");
/// let greeting = if flags.enabled("formal") { "Good day" } else { "Hello" };
/// # assert_eq!(greeting, "Hello");
/// ```
pub fn flags(name: &str) -> Flags {
    get_as(name).map(Flags).unwrap_or_default()
}

impl Flags {
    /// Whether the flag exists and is enabled.
    pub fn enabled(&self, flag: &str) -> bool {
        self.0.get(flag).is_some_and(is_enabled)
    }

    /// An attribute of an enabled flag. AppConfig delivers no attributes of disabled flags.
    pub fn attribute(&self, flag: &str, attribute: &str) -> Option<&Value> {
        self.0.get(flag).filter(|flag| is_enabled(flag))?.get(attribute)
    }
}

fn is_enabled(flag: &Map<String, Value>) -> bool {
    flag.get("enabled") == Some(&Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_enabled_only_if_it_says_so() {
        let text = r#"{"on":{"enabled":true,"size":3},"off":{"enabled":false,"size":4},
            "odd":{"enabled":"yes"},"empty":{}}"#;
        let flags = Flags(Arc::new(serde_json::from_str(text).expect("flags")));
        assert!(flags.enabled("on"));
        assert_eq!(flags.attribute("on", "size"), Some(&Value::from(3)));
        assert_eq!(flags.attribute("on", "colour"), None);
        for name in ["off", "odd", "empty", "absent"] {
            assert!(!flags.enabled(name), "{name}");
            assert_eq!(flags.attribute(name, "size"), None);
        }
    }
}
