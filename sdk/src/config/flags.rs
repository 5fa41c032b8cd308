//! Feature flags, as AWS AppConfig's profiles of that type hold them:
//! `{"formal":{"enabled":true,"greeting":"Good day"}}`.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Map;
use serde_json::Value;

use super::get_as;

/// The feature flags of one value, as they were when it was read.
#[derive(Clone, Debug, Default)]
pub struct Flags(Arc<HashMap<String, Map<String, Value>>>);

/// The feature flags of the value `name`; none as long as no value has arrived that can be read.
pub fn flags(name: &str) -> Flags {
    get_as(name).map(Flags).unwrap_or_default()
}

impl Flags {
    /// Whether a flag is there and enabled.
    pub fn enabled(&self, flag: &str) -> bool {
        self.0.get(flag).is_some_and(is_enabled)
    }

    /// An attribute of a flag that is enabled; AppConfig hands out no others.
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
