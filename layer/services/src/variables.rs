//! The only file of the module that reads the environment: once, when the module starts, and as it was
//! when the process began. That one is the kernel's, and nobody changes it: whoever sets a variable, as
//! the bootstrap does with the trace id, changes a copy.

use std::collections::HashMap;
use std::ffi::CStr;
use std::ffi::c_char;

/// The environment variables of the process, as they were at the start.
#[derive(Clone, Debug, Default)]
pub struct Variables(HashMap<String, String>);

impl Variables {
    /// Reads them. What is not UTF-8 is left out.
    ///
    /// # Safety
    /// The list ends with null, and neither it nor its texts change any more.
    pub unsafe fn read(mut entry: *const *const c_char) -> Variables {
        let mut variables = HashMap::new();
        loop {
            // SAFETY: the list ends with null, and `entry` has not passed it.
            let text = unsafe { *entry };
            if text.is_null() {
                return Variables(variables);
            }
            entry = entry.wrapping_add(1);
            // SAFETY: the list's entries are strings.
            let text = unsafe { CStr::from_ptr(text) };
            if let Some((name, value)) = text.to_str().ok().and_then(|text| text.split_once('=')) {
                variables.insert(name.to_owned(), value.to_owned());
            }
        }
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
