//! The only file of the module that reads the environment: once, when the module starts.
//!
//! On the thread that starts it no other can be changing the environment (the bootstrap sets the
//! trace id there, between invocations), and Lambda never changes the rest while a process lives.

use std::collections::HashMap;

/// The environment variables of the process, as they were at the start.
#[derive(Clone, Debug, Default)]
pub struct Variables(HashMap<String, String>);

impl Variables {
    /// Reads them. What is not UTF-8 is left out.
    pub fn read() -> Variables {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Variables(std::env::vars_os().filter_map(text).collect())
    }

    /// The value of a variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether a variable is `true` in the sense of AWS's SDKs.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Variables {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(variables: I) -> Variables {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Variables(variables.into_iter().map(owned).collect())
    }
}
